//! The texts of the reference library, token for token; what a batch must not change.

use super::*;

#[test]
fn greedy_texts_are_those_of_the_golden_references() {
    for path in references() {
        let opened = Opened::at(&path);
        let expected = json(path.join("golden.json"))["greedy_12"].clone();
        let starts = usize::from(opened.base.network.shape() == Shape::EncoderDecoder);
        let written = opened.write(&twelve());
        for (written, expected) in written.iter().zip(expected.as_array().unwrap()) {
            assert_eq!(written.ids, ids(expected)[starts..], "{}", path.display());
        }
    }
}

#[test]
fn beam_searches_penalties_and_least_lengths_are_those_of_the_golden_references() {
    for family in FAMILIES {
        let mut opened = Opened::new(family);
        let golden = json(folder(family).join("beam.json"));
        for case in golden["cases"].as_array().unwrap() {
            let settings = &case["settings"];
            opened.habits.ends = ids(&case["ends"]);
            let number = |name: &str, default| settings[name].as_f64().unwrap_or(default);
            let count = number("num_beams", 1.0) as usize;
            let options = Options {
                choice: match count {
                    1 => Choice::Greedy,
                    _ => Choice::Beams(Beams {
                        count,
                        length_penalty: number("length_penalty", 1.0) as f32,
                        stopping: match &settings["early_stopping"] {
                            Value::Bool(true) => EarlyStopping::Full,
                            Value::Bool(false) => EarlyStopping::Likely,
                            _ => EarlyStopping::Certain,
                        },
                    }),
                },
                max_new_tokens: golden["max_new_tokens"].as_u64().unwrap() as usize,
                min_new_tokens: number("min_new_tokens", 0.0) as usize,
                repetition_penalty: number("repetition_penalty", 1.0) as f32,
                stop: Vec::new(),
            };
            let expected = case["written"].as_array().unwrap();
            for (i, (written, expected)) in opened.write(&options).iter().zip(expected).enumerate()
            {
                let place = format!("{family}, input {i}, {settings}");
                assert_eq!(written.ids, ids(&expected["tokens"]), "{place}");
                if let (Some(score), Some(expected)) = (written.score, expected["score"].as_f64()) {
                    assert!(
                        is_close(f64::from(score), expected),
                        "{place}: {score} {expected}"
                    );
                }
            }
        }
    }
}

#[test]
fn an_encoder_that_looks_back_writes_what_the_golden_reference_writes() {
    let opened = Opened::new("roberta");
    let golden = json(folder("roberta").join("sight.json"));
    let prompts: Vec<&[u32]> = opened
        .prompts
        .iter()
        .map(|prompt| &prompt.ids[..])
        .collect();
    let mut first_logits = Vec::new();
    for (name, role) in [("causal", Role::LookBack), ("prefix", Role::PromptWhole)] {
        let mut reader = NetworkReader::begin(&*opened.base.network, role, None, &prompts).unwrap();
        let mut next: Vec<Vec<u32>> = opened
            .prompts
            .iter()
            .map(|prompt| prompt.ids.clone())
            .collect();
        for step in 0..12 {
            let further: Vec<&[u32]> = next.iter().map(|ids| &ids[..]).collect();
            let logits = reader.read(&further).unwrap();
            for (row, next) in next.iter_mut().enumerate() {
                let token = choose::greedy(logits.row(row)).unwrap();
                let expected = &golden[name][row];
                let place = format!("{name}, input {row}, step {step}");
                assert_eq!(token, ids(&expected["tokens"])[step], "{place}");
                let logit = f64::from(logits.row(row)[token as usize]);
                assert!(
                    is_close(logit, expected["logits"][step].as_f64().unwrap()),
                    "{place}"
                );
                *next = vec![token];
                first_logits.push(logit);
            }
        }
    }
    let (causal, prefix) = first_logits.split_at(first_logits.len() / 2);
    assert!(
        causal.iter().zip(prefix).any(|(a, b)| !is_close(*a, *b)),
        "the oracle tells the sights apart"
    );
}

#[test]
fn three_at_once_are_three_one_at_a_time_whatever_way_they_are_chosen() {
    for family in ["llama", "t5"] {
        let opened = Opened::new(family);
        for choice in [
            Choice::Greedy,
            Choice::Sample(Sampling {
                seed: 7,
                ..Sampling::default()
            }),
            Choice::Beams(Beams::default()),
        ] {
            let options = Options { choice, ..twelve() };
            let alone = opened.prompts.iter().map(|prompt| {
                opened
                    .writer()
                    .write(std::slice::from_ref(prompt), &options, &mut |_, _| {})
                    .unwrap()
                    .remove(0)
            });
            assert_eq!(
                opened.write(&options),
                alone.collect::<Vec<_>>(),
                "{family}"
            );
        }
    }
}

#[test]
fn one_beam_writes_what_greedy_writes_and_other_seeds_write_otherwise() {
    let opened = Opened::new("qwen2");
    let texts = |choice| {
        opened
            .write(&Options { choice, ..twelve() })
            .into_iter()
            .map(|w| w.ids)
            .collect::<Vec<_>>()
    };
    let one = Beams {
        count: 1,
        ..Beams::default()
    };
    assert_eq!(texts(Choice::Beams(one)), texts(Choice::Greedy));
    let sampled = |seed| {
        texts(Choice::Sample(Sampling {
            seed,
            ..Sampling::default()
        }))
    };
    assert_eq!(sampled(1), sampled(1));
    assert_ne!(sampled(1), sampled(2));
}
