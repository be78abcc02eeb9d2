//! What ends a text, and what is refused before it begins.

use super::*;

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
