//! Chat templates in the shape of the published ones, written for these tests.

use super::*;

const TURNS: &str = r#"[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Sort a list"},
    {"role": "assistant", "content": " Use sorted() "}, {"role": "user", "content": "Thanks"}]"#;

fn render(source: &str, messages: &str, add: bool) -> Result<String> {
    let mut config = json!({"bos_token": "<s>", "eos_token": {"content": "</s>"}});
    config["chat_template"] = json!(source);
    render_with(&config, messages, add, None)
}

fn render_with(config: &Value, messages: &str, add: bool, tools: Option<&Value>) -> Result<String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tokenizer_config.json");
    fs_err::write(&path, config.to_string()).expect("written");
    let templates = ChatTemplates::from_folder(folder.path())?.expect("a template");
    let messages: Value = serde_json::from_str(messages).expect("messages");
    let templates = templates.at(SystemTime::UNIX_EPOCH);
    templates.render(&Conversation {
        messages: &messages,
        tools,
        add_generation_prompt: add,
        template: None,
    })
}

#[test]
fn marked_turns_are_written_with_their_roles_and_an_open_end() {
    let source = "{%- if messages[0]['role'] != 'system' %}\n    {{- '<|im_start|>system\\nDefault.<|im_end|>\\n' }}\n{%- endif %}\n{%- for message in messages %}\n    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}\n";
    let expected = "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nSort a list<|im_end|>\n<|im_start|>assistant\n Use sorted() <|im_end|>\n<|im_start|>user\nThanks<|im_end|>\n<|im_start|>assistant\n";
    assert_eq!(render(source, TURNS, true).expect("a prompt"), expected);
    let alone = r#"[{"role": "user", "content": "Hi"}]"#;
    assert_eq!(
        render(source, alone, false).expect("a prompt"),
        "<|im_start|>system\nDefault.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
    );
}

#[test]
fn instruction_headings_keep_state_in_a_namespace_and_refuse_a_system_turn_late() {
    let source = "{% set ns = namespace(found=false) %}\n{% for m in messages %}\n{% if m['role'] == 'system' %}\n{% if not loop.first %}{{ raise_exception('system comes first') }}{% endif %}\n{% set ns.found = true %}\n{% endif %}\n{% endfor %}\n{{ bos_token }}{% if not ns.found %}{{ 'You write code.\\n' }}{% endif %}\n{% for m in messages %}\n{% if m['role'] == 'system' %}\n{{ m['content'] + '\\n' }}{% elif m['role'] == 'user' %}\n{{ '### Instruction:\\n' + m['content'].strip() + '\\n' }}{% else %}\n{{ '### Response:\\n' + m['content'].strip() + '\\n<|EOT|>\\n' }}{% endif %}\n{% endfor %}\n{{ '### Response:' if add_generation_prompt }}";
    assert_eq!(
        render(source, TURNS, true).expect("a prompt"),
        "<s>Be brief.\n### Instruction:\nSort a list\n### Response:\nUse sorted()\n<|EOT|>\n### Instruction:\nThanks\n### Response:"
    );
    let late = r#"[{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]"#;
    let refusal = render(source, late, true).expect_err("refused").to_string();
    assert!(refusal.contains("system comes first"), "{refusal}");
    assert!(refusal.contains("tokenizer_config.json"), "{refusal}");
}

#[test]
fn bracketed_instructions_alternate_or_are_refused() {
    let source = "{% if messages[0].role == 'system' %}{% set rest = messages[1:] %}{% set first = messages[0].content %}{% else %}{% set rest = messages %}{% set first = false %}{% endif %}{% for m in rest %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% if loop.first and first is not false %}{% set text = '<<SYS>>\\n' + first + '\\n<</SYS>>\\n\\n' + m.content %}{% else %}{% set text = m.content %}{% endif %}{% if m.role == 'user' %}{{ bos_token + '[INST] ' + text.strip() + ' [/INST]' }}{% elif m.role == 'assistant' %}{{ ' ' + m.content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}";
    assert_eq!(
        render(source, TURNS, false).expect("a prompt"),
        "<s>[INST] <<SYS>>\nBe brief.\n<</SYS>>\n\nSort a list [/INST] Use sorted() </s><s>[INST] Thanks [/INST]"
    );
    let twice = r#"[{"role": "user", "content": "a"}, {"role": "user", "content": "b"}]"#;
    let refusal = render(source, twice, false)
        .expect_err("refused")
        .to_string();
    assert!(refusal.contains("roles must alternate"), "{refusal}");
}

#[test]
fn tools_choose_their_template_and_are_written_as_the_reference_writes_json() {
    let config = json!({"chat_template": [
        {"name": "default", "template": "plain"},
        {"name": "tool_use", "template": "{{ tools | tojson }}|{{ tools[0] | tojson(indent=2) }}|{{ strftime_now('%d %b %Y') }}"},
    ]});
    let tools = json!([{"name": "f<g>", "zeta": [1, 2.5, true, null], "alpha": {}}]);
    let text = render_with(&config, "[]", false, Some(&tools)).expect("a prompt");
    assert_eq!(
        text,
        "[{\"name\": \"f<g>\", \"zeta\": [1, 2.5, true, null], \"alpha\": {}}]|{\n  \"name\": \"f<g>\",\n  \"zeta\": [\n    1,\n    2.5,\n    true,\n    null\n  ],\n  \"alpha\": {}\n}|01 Jan 1970"
    );
    assert_eq!(
        render_with(&config, "[]", false, None).expect("a prompt"),
        "plain"
    );
}

#[test]
fn generation_marks_leave_the_text_as_it_is() {
    let source =
        "{% for m in messages %}{%- generation -%} {{ m.content }}{% endgeneration %}{% endfor %}";
    let one = r#"[{"role": "user", "content": "a"}]"#;
    assert_eq!(render(source, one, false).expect("a prompt"), "a");
}

#[test]
fn runaway_templates_end_in_an_error() {
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
    let deep = "{% macro m(n) %}{{ m(n + 1) }}{% endmacro %}{{ m(0) }}";
    for source in [
        endless,
        deep,
        "{% for %}",
        "{{ 'a' * -1 }}{{ nothing.at.all }}",
    ] {
        assert!(render(source, "[]", false).is_err(), "{source}");
    }
}
