//! `skillbelt base show`, the help of every command, and what stops any of them.

mod asked;

use asked::{base, command, golden, run};
use serde_json::json;

#[test]
fn every_family_is_described_in_text_and_json() {
    for family in [
        "bert",
        "roberta",
        "modernbert",
        "t5",
        "t5_gated",
        "llama",
        "mistral",
        "qwen2",
        "starcoder2",
        "gpt_bigcode",
    ] {
        let text = base("show", family, &[]);
        assert_eq!((text.code, text.err.as_str()), (Some(0), ""), "{family}");
        for part in [
            "family",
            "parameters",
            "content hash",
            "nf4",
            "sites where a belt can act",
            "after attention",
        ] {
            assert!(text.out.contains(part), "{family}: {part}");
        }
        let facts = base("show", family, &["--json"]).rows().remove(0);
        assert_eq!(
            (&facts["width"], &facts["layers"], &facts["vocabulary"]),
            (
                &json!(64),
                &json!(if family == "modernbert" { 4 } else { 2 }),
                &json!(512)
            ),
            "{family}"
        );
        assert!(!facts["sites"].as_array().unwrap().is_empty(), "{family}");
        let memory = |name: &str| facts["memory"][name].as_u64().unwrap();
        assert_eq!(memory("f32"), 4 * facts["parameters"].as_u64().unwrap());
        assert!(
            memory("f32") > memory("bf16")
                && memory("bf16") > memory("int8")
                && memory("int8") > memory("nf4")
        );
    }
}

#[test]
fn the_same_weights_in_another_form_have_the_same_hash() {
    let hash = |family| base("show", family, &["--json"]).rows()[0]["hash"].clone();
    assert_eq!(hash("pickled/t5-legacy"), hash("pickled/t5-zip"));
    assert_ne!(hash("t5"), hash("t5_gated"));
}

#[test]
fn every_help_has_a_summary_and_examples() {
    let cases: [(&[&str], &str); 5] = [
        (&["--help"], "Exit codes: 0 all was done; 1"),
        (
            &["base", "show", "--help"],
            "skillbelt base show ./codebert-base\n",
        ),
        (
            &["base", "embed", "--help"],
            "skillbelt base embed ./codebert-base \"def add(a, b): return a + b\"\n",
        ),
        (
            &["export", "--help"],
            "skillbelt export ./belt --base ./qwen --to gguf-lora --out belt.gguf\n",
        ),
        (
            &["base", "generate", "--help"],
            "skillbelt base generate ./codet5-base-sum --jsonl functions.jsonl --field code --beams 5\n",
        ),
    ];
    for (arguments, example) in cases {
        let answer = run(&mut command(arguments), b"");
        assert_eq!(answer.code, Some(0));
        assert!(answer.out.contains(example), "{}", answer.out);
    }
}

#[test]
fn a_folder_that_is_not_there_is_an_error_with_a_hint() {
    for what in ["show", "embed", "generate"] {
        let rest: &[&str] = match what {
            "embed" => &["x"],
            "generate" => &["--prompt", "x"],
            _ => &[],
        };
        let answer = run(
            &mut command(&[&["base", what, "./no/such/folder"], rest].concat()),
            b"",
        );
        assert_eq!((answer.code, answer.out.as_str()), (Some(2), ""), "{what}");
        assert!(
            answer.err.starts_with("error: ") && answer.err.contains("\nhint: "),
            "{}",
            answer.err
        );
    }
}

#[test]
fn a_base_that_is_not_cached_is_not_fetched_offline() {
    let answer = run(
        &mut command(&["base", "show", "owner/name", "--offline"]),
        b"",
    );
    assert_eq!(answer.code, Some(2));
    assert!(answer.err.contains("offline"), "{}", answer.err);
}

#[test]
fn a_damaged_file_is_named_without_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        fs_err::copy(golden("bert").join(name), folder.path().join(name)).unwrap();
    }
    let whole = fs_err::read(folder.path().join("model.safetensors")).unwrap();
    fs_err::write(
        folder.path().join("model.safetensors"),
        &whole[..whole.len() - 7],
    )
    .unwrap();
    let path = folder.path().to_str().unwrap();
    for arguments in [&["base", "show", path][..], &["base", "embed", path, "x"]] {
        let answer = run(&mut command(arguments), b"");
        assert_eq!(answer.code, Some(2));
        assert!(
            answer.err.starts_with("error: ") && answer.err.contains("model.safetensors"),
            "{}",
            answer.err
        );
        assert!(
            !answer.err.contains("defect") && !answer.err.contains("panicked"),
            "{}",
            answer.err
        );
    }
}

#[test]
fn a_kernel_that_cannot_be_had_is_an_error_and_one_that_can_is_used() {
    let folder = golden("bert");
    let arguments = ["base", "embed", folder.to_str().unwrap(), "x"];
    let answer = run(command(&arguments).env("SKILLBELT_KERNEL", "abacus"), b"");
    assert_eq!(answer.code, Some(2));
    assert!(
        answer.err.contains("SKILLBELT_KERNEL=abacus") && answer.err.contains("hint: "),
        "{}",
        answer.err
    );
    let answer = run(command(&arguments).env("SKILLBELT_KERNEL", "portable"), b"");
    assert_eq!(answer.code, Some(0), "{}", answer.err);
}

#[test]
fn nothing_to_do_and_unknown_arguments_are_errors() {
    for arguments in [
        &["base", "embed", "x"][..],
        &["base", "paint"],
        &["base", "show", "x", "--threads", "0"],
    ] {
        assert_eq!(run(&mut command(arguments), b"").code, Some(2));
    }
}
