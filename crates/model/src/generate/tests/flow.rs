//! A flow against `write`: nobody's text knows who came, went or left beside it.

use std::collections::BTreeMap;

use super::*;

fn options(number: usize) -> Options {
    Options {
        choice: match number % 2 {
            0 => Choice::Greedy,
            _ => Choice::Sample(Sampling {
                seed: 7,
                ..Sampling::default()
            }),
        },
        max_new_tokens: 3 + 2 * number,
        repetition_penalty: 1.0 + number as f32 / 8.0,
        ..Options::default()
    }
}

fn asked(opened: &Opened, key: usize) -> Asked {
    Asked {
        key,
        prompt: opened.prompts[key % opened.prompts.len()].clone(),
        options: options(key),
    }
}

#[test]
fn a_text_in_a_flow_is_what_it_is_alone_whoever_comes_goes_or_leaves() {
    for family in FAMILIES {
        let opened = Opened::new(family);
        let writer = opened.writer();
        let mut flow = Flow::new(&writer);
        let mut heard: BTreeMap<usize, String> = BTreeMap::new();
        let mut written: BTreeMap<usize, Written> = BTreeMap::new();
        // Two at first, one more after each step, the fourth is dropped on its way.
        let mut coming = vec![vec![5], vec![4], vec![3], vec![1, 2]];
        for step in 0..40 {
            let mut listener =
                |key: usize, piece: &str| heard.entry(key).or_default().push_str(piece);
            if let Some(keys) = coming.pop() {
                let news = keys.iter().map(|key| asked(&opened, *key)).collect();
                written.extend(flow.admit(news, &mut listener).unwrap());
            }
            if step == 3 {
                flow.drop_all(|key| key == 4);
            }
            written.extend(flow.step(&mut listener).unwrap());
        }
        assert!(flow.is_empty());
        assert_eq!(
            written.keys().copied().collect::<Vec<_>>(),
            [1, 2, 3, 5],
            "{family}"
        );
        for (key, found) in written {
            let Asked {
                prompt, options, ..
            } = asked(&opened, key);
            let alone = writer.write(&[prompt], &options, &mut |_, _| {}).unwrap();
            assert_eq!(found, alone[0], "{family} {key}");
            let text = heard.get(&key).map_or("", String::as_str);
            assert_eq!(text, found.text, "{family} {key}");
        }
    }
}

#[test]
fn a_flow_refuses_beams_and_prompts_without_tokens() {
    let opened = Opened::new("qwen2");
    let writer = opened.writer();
    let mut flow = Flow::new(&writer);
    let mut wrong = asked(&opened, 0);
    wrong.options.choice = Choice::Beams(Beams::default());
    assert!(flow.admit(vec![wrong], &mut |_, _| {}).is_err());
    let mut wrong = asked(&opened, 0);
    wrong.prompt.ids.clear();
    assert!(writer.admits(&wrong.prompt, &wrong.options).is_err());
    assert!(flow.admit(vec![wrong], &mut |_, _| {}).is_err());
    assert!(flow.is_empty());
}
