//! Each layer earns its place: with the others that would also stop it taken away, an attack is
//! stopped by this layer, and gets through without it. A layer that stops doing its work turns its
//! test red.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(clippy::print_stderr, reason = "a test that is not run says so")]

#[path = "staged/mod.rs"]
mod staged;

use skillbelt_sandbox::{Error, Layer, Layers, Python, Sandbox};
use staged::{CANNOT, Stage, attacks, took_place};

/// Runs `attack` with all layers but `others`, then without `layer` too.
fn stopped_only_by(layer: Layer, others: &[Layer], attack: &str) {
    if std::env::var_os(CANNOT).is_some() {
        eprintln!("{CANNOT} is set: NOT RUN");
        return;
    }
    let attacks = attacks();
    let attack = attacks.iter().find(|known| known.name == attack).unwrap();
    let python = Python::find(None).unwrap();
    let with = others
        .iter()
        .fold(Layers::all(), |layers, other| layers.without(*other));
    // SAFETY: takes nothing.
    let is_root = unsafe { libc::geteuid() } == 0;
    let needs_root = attack.needs_root || layer == Layer::User || others.contains(&Layer::User);
    if needs_root && !is_root {
        // An ordinary user has no other layer without this one, so nothing can be run.
        let refused = Sandbox::incomplete(Layers::all().without(Layer::User));
        assert!(matches!(refused, Err(Error::Missing { .. })));
        return;
    }
    let sandbox = Sandbox::incomplete(with).unwrap();
    let (ending, broken) = Stage::new(&attack.name).run(&sandbox, &python, attack);
    assert!(
        broken.is_empty() && took_place(&ending),
        "with it: {broken:?} {ending:?}"
    );
    let sandbox = Sandbox::incomplete(with.without(layer)).unwrap();
    let (ending, broken) = Stage::new(&attack.name).run(&sandbox, &python, attack);
    assert!(!broken.is_empty(), "without it: {ending:?}");
}

#[test]
fn the_user_layer_alone_stops_the_attack_on_a_private_file() {
    stopped_only_by(Layer::User, &[], "read_a_private_file_that_is_shown");
}

#[test]
fn the_process_layer_alone_stops_the_attack_by_a_process_left_behind() {
    stopped_only_by(Layer::Processes, &[], "leave_a_process_behind");
}

#[test]
fn the_file_layer_alone_stops_the_attack_on_a_file_of_the_machine() {
    stopped_only_by(Layer::Files, &[Layer::User], "read_a_file_of_the_machine");
}

#[test]
fn the_network_layer_alone_stops_the_attack_on_a_port() {
    stopped_only_by(
        Layer::Network,
        &[Layer::SystemCalls],
        "connect_to_a_local_port",
    );
}

#[test]
fn the_ipc_layer_alone_stops_the_attack_by_shared_memory() {
    // Inside of its own namespace the segment can be made; it is looked for outside.
    if std::env::var_os(CANNOT).is_some() {
        eprintln!("{CANNOT} is set: NOT RUN");
        return;
    }
    let attacks = attacks();
    let attack = attacks
        .iter()
        .find(|known| known.name == "system_v_shared_memory")
        .unwrap();
    let python = Python::find(None).unwrap();
    let left = "it left a segment of shared memory".to_owned();
    for (layers, gone) in [
        (Layers::all().without(Layer::SystemCalls), true),
        (
            Layers::all()
                .without(Layer::SystemCalls)
                .without(Layer::Ipc),
            false,
        ),
    ] {
        let sandbox = Sandbox::incomplete(layers).unwrap();
        let (ending, broken) = Stage::new(&attack.name).run(&sandbox, &python, attack);
        assert_eq!(!broken.contains(&left), gone, "{broken:?} {ending:?}");
    }
}

#[test]
fn the_host_name_layer_alone_stops_the_attack_on_the_name() {
    stopped_only_by(Layer::HostName, &[], "read_the_host_name");
}

#[test]
fn the_control_group_layer_alone_stops_the_attack_on_the_groups() {
    stopped_only_by(
        Layer::ControlGroups,
        &[Layer::Files, Layer::User],
        "see_the_control_group",
    );
}

#[test]
fn the_capability_layer_alone_stops_the_attack_by_mounting() {
    let others = [Layer::SystemCalls, Layer::User];
    stopped_only_by(Layer::Capabilities, &others, "mount_a_file_system");
}

#[test]
fn the_system_call_layer_alone_stops_the_attack_by_a_new_namespace() {
    stopped_only_by(Layer::SystemCalls, &[], "new_user_namespace");
}

#[test]
fn the_limit_layer_alone_stops_the_attack_on_memory() {
    stopped_only_by(Layer::Limits, &[], "memory_without_end");
}

#[test]
fn the_limit_layer_alone_stops_the_attack_by_many_threads() {
    stopped_only_by(Layer::Limits, &[], "threads_without_end");
}
