//! The whole writing against the reference's texts, token for token; what a batch must not change;
//! and what stops a text.

use std::path::{Path, PathBuf};

use serde_json::Value;
use skillbelt_engine::Precision;

use super::reader::{NetworkReader, Reader, Role};
use super::*;
use crate::base::{self, Base, Purpose};

const FAMILIES: [&str; 7] = [
    "llama",
    "qwen2",
    "mistral",
    "starcoder2",
    "gpt_bigcode",
    "t5",
    "t5_gated",
];

fn folder(family: &str) -> PathBuf {
    let root = match std::env::var_os("SKILLBELT_GOLDEN") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden"),
    };
    root.join(family)
}

fn json(path: PathBuf) -> Value {
    serde_json::from_str(&fs_err::read_to_string(path).unwrap()).unwrap()
}

fn ids(value: &Value) -> Vec<u32> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_u64().unwrap() as u32)
        .collect()
}

struct Opened {
    base: Base,
    tokenizer: Tokenizer,
    habits: Habits,
    prompts: Vec<Prompt>,
}

impl Opened {
    fn new(family: &str) -> Opened {
        let folder = folder(family);
        let base = base::open(&folder, Purpose::frozen(Precision::F32)).unwrap();
        let tokenizer = Tokenizer::from_folder(&folder).unwrap();
        let inputs = json(folder.join("golden.json"))["inputs"].clone();
        let inputs = inputs.as_array().unwrap().iter().enumerate();
        Opened {
            habits: Habits::read(&folder, &base.config, &tokenizer).unwrap(),
            prompts: inputs
                .map(|(i, value)| Prompt {
                    ids: ids(value),
                    number: i as u64,
                })
                .collect(),
            base,
            tokenizer,
        }
    }

    fn writer(&self) -> Writer<'_> {
        Writer::new(&*self.base.network, &self.tokenizer, self.habits.clone()).unwrap()
    }

    fn write(&self, options: &Options) -> Vec<Written> {
        self.writer()
            .write(&self.prompts, options, &mut |_, _| {})
            .unwrap()
    }
}

fn twelve() -> Options {
    Options {
        max_new_tokens: 12,
        ..Options::default()
    }
}

fn is_close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-4 * b.abs().max(1.0)
}

#[test]
fn greedy_texts_are_those_of_the_golden_references() {
    for family in FAMILIES {
        let opened = Opened::new(family);
        let expected = json(folder(family).join("golden.json"))["greedy_12"].clone();
        let starts = usize::from(family.starts_with("t5"));
        for (written, expected) in opened
            .write(&twelve())
            .iter()
            .zip(expected.as_array().unwrap())
        {
            assert_eq!(written.ids, ids(expected)[starts..], "{family}");
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
        let mut reader = NetworkReader::begin(&*opened.base.network, role, &prompts).unwrap();
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

#[test]
fn what_is_heard_in_pieces_is_the_text() {
    let opened = Opened::new("llama");
    let mut heard = vec![String::new(); 3];
    let written = opened
        .writer()
        .write(&opened.prompts, &twelve(), &mut |i, piece| {
            heard[i].push_str(piece)
        })
        .unwrap();
    for (heard, written) in heard.iter().zip(&written) {
        assert_eq!(heard, &written.text);
        assert_eq!(
            written.text,
            opened.tokenizer.decode(&written.ids, true).unwrap()
        );
        assert_eq!((written.finish, written.ids.len()), (Finish::Length, 12));
    }
}

#[test]
fn a_stop_string_across_tokens_ends_one_text_and_leaves_the_others() {
    let opened = Opened::new("llama");
    let free = opened.write(&twelve());
    let whole = &free[1].text;
    let places: Vec<usize> = whole.char_indices().map(|(at, _)| at).collect();
    let middle = places.len() / 2;
    let stop = whole[places[middle]..places[middle + 3]].to_owned();
    for choice in [
        Choice::Greedy,
        Choice::Beams(Beams {
            count: 1,
            ..Beams::default()
        }),
    ] {
        let options = Options {
            choice,
            stop: vec![stop.clone()],
            ..twelve()
        };
        let written = opened.write(&options);
        assert_eq!(written[1].text, whole[..whole.find(&stop).unwrap()]);
        assert_eq!(written[1].finish, Finish::Stop);
        assert!(written[1].ids.len() < 12);
        assert!(
            written
                .iter()
                .zip(&free)
                .any(|(now, before)| now.text == before.text)
        );
    }
}

#[test]
fn an_end_token_ends_a_text_and_is_not_in_it() {
    let mut opened = Opened::new("mistral");
    let end = opened.write(&twelve())[0].ids[6];
    opened.habits.ends = vec![511, end];
    let written = &opened.write(&twelve())[0];
    assert_eq!(
        (written.ids.last(), written.finish),
        (Some(&end), Finish::Stop)
    );
    assert!(written.ids.len() <= 7);
}

#[test]
fn the_longest_sequence_that_the_base_reads_ends_a_text_and_refuses_a_longer_prompt() {
    let mut opened = Opened::new("qwen2");
    let positions = opened.writer().positions().unwrap();
    opened.prompts.truncate(1);
    opened.prompts[0].ids = (0..positions as u32 - 2).map(|i| 20 + i % 300).collect();
    let written = &opened.write(&twelve())[0];
    assert_eq!((written.ids.len(), written.finish), (3, Finish::Context));
    opened.prompts[0].ids.extend([5, 6, 7]);
    let refused = opened
        .writer()
        .write(&opened.prompts, &twelve(), &mut |_, _| {})
        .unwrap_err();
    assert!(
        matches!(refused, Error::TooLong { tokens, .. } if tokens == positions + 1),
        "{refused}"
    );
}

#[test]
fn options_outside_their_bounds_and_bases_that_only_read_are_refused() {
    let opened = Opened::new("llama");
    let sample = |how| Options {
        choice: Choice::Sample(how),
        ..twelve()
    };
    let beams = |count, length_penalty| Options {
        choice: Choice::Beams(Beams {
            count,
            length_penalty,
            ..Beams::default()
        }),
        ..twelve()
    };
    let wrong = [
        Options {
            max_new_tokens: 0,
            ..twelve()
        },
        Options {
            min_new_tokens: 13,
            ..twelve()
        },
        Options {
            repetition_penalty: 0.0,
            ..twelve()
        },
        Options {
            stop: vec![String::new()],
            ..twelve()
        },
        sample(Sampling {
            temperature: 0.0,
            ..Sampling::default()
        }),
        sample(Sampling {
            temperature: f32::NAN,
            ..Sampling::default()
        }),
        sample(Sampling {
            top_p: 1.5,
            ..Sampling::default()
        }),
        sample(Sampling {
            top_k: Some(0),
            ..Sampling::default()
        }),
        beams(0, 1.0),
        beams(2, f32::INFINITY),
    ];
    for options in wrong {
        let refused = opened
            .writer()
            .write(&opened.prompts, &options, &mut |_, _| {});
        assert!(matches!(refused, Err(Error::Option { .. })), "{options:?}");
    }
    let empty = [Prompt {
        ids: Vec::new(),
        number: 4,
    }];
    let refused = opened.writer().write(&empty, &twelve(), &mut |_, _| {});
    assert!(matches!(refused, Err(Error::Empty { prompt: 4 })));
    let reads = Opened::new("roberta");
    let refused = Writer::new(&*reads.base.network, &reads.tokenizer, reads.habits.clone());
    assert!(matches!(refused, Err(Error::CannotWrite { .. })));
    let mode = UnixcoderMode::DecoderOnly;
    let refused = Writer::unixcoder(
        &*reads.base.network,
        &reads.tokenizer,
        reads.habits.clone(),
        mode,
    );
    assert!(matches!(refused, Err(Error::CannotWrite { .. })));
}
