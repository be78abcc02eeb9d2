//! The commands, as a person types them. Each stands in a file of its own; here is only the tree.

mod advise;
mod base_embed;
mod base_generate;
mod base_pack;
mod base_show;
mod baseline;
mod data_check;
mod eval;
mod execute;
mod export;
mod harvest;
mod judge;
mod lookup;
mod mcp;
mod overrides;
mod parse;
mod predict;
mod pretrain;
mod prompt;
mod quickstart;
mod scan;
mod score;
mod search;
mod serve;
mod similar;
mod study;
mod train;

use clap::{Args, Parser, Subcommand};
use indexmap::IndexMap;
use skillbelt_engine::{Isa, Precision, crew};
use skillbelt_harvest::{LANGUAGES, Language};
use skillbelt_train::recipe::{Problem, TaskSettings};

use crate::exit::{Failure, say};

/// One small code model, one small belt, many skills.
#[derive(Debug, Parser)]
#[command(
    name = "skillbelt",
    version,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 all was done; 1 something was found that was looked for; 2 it could not be done, or not for every input.\n\
        SKILLBELT_KERNEL=portable|neon|avx2|avx512|amx chooses the instructions instead of the program.\n\
        SKILLBELT_WORDNET names a folder with WordNet's files, for METEOR with synonyms.\n\
        HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE are honoured."
)]
pub struct Arguments {
    #[command(flatten)]
    everywhere: Everywhere,
    #[command(subcommand)]
    command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub struct Everywhere {
    /// Threads to compute with; results do not depend on it [default: one per core]
    #[arg(long, global = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub threads: Option<u16>,
    /// Ask no server: use what is on this machine
    #[arg(long, global = true)]
    pub offline: bool,
    /// Say nothing on stderr but errors
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

#[derive(Debug, Subcommand)]
#[allow(
    clippy::large_enum_variant,
    reason = "there is one value of it, made once"
)]
enum Command {
    Quickstart(quickstart::Quickstart),
    /// Look at a pretrained model, turn texts into vectors with it, or let it write
    #[command(subcommand, arg_required_else_help = true)]
    Base(BaseCommand),
    Train(train::Train),
    Pretrain(pretrain::Pretrain),
    Study(study::Study),
    Eval(eval::Eval),
    Execute(execute::Execute),
    Predict(predict::Predict),
    Score(score::Score),
    Serve(serve::Serve),
    Baseline(baseline::Baseline),
    Prompt(prompt::Prompt),
    Judge(judge::Judge),
    Export(export::Export),
    Advise(advise::Advise),
    /// Look at data sets
    #[command(subcommand, arg_required_else_help = true)]
    Data(DataCommand),
    Harvest(harvest::Harvest),
    Search(search::Search),
    Similar(similar::Similar),
    Mcp(mcp::Mcp),
    Scan(scan::Scan),
    #[command(name = "__parse", hide = true)]
    Parse(parse::Parse),
}

#[derive(Debug, Subcommand)]
enum DataCommand {
    Check(data_check::Check),
}

#[derive(Debug, Subcommand)]
enum BaseCommand {
    Show(base_show::Show),
    Embed(base_embed::Embed),
    Generate(base_generate::Generate),
    Pack(base_pack::Pack),
}

/// Does what the arguments say.
pub fn run(arguments: Arguments) -> Result<(), Failure> {
    let everywhere = &arguments.everywhere;
    Isa::check_choice().map_err(|message| {
        Failure::told(message).with_hint("unset SKILLBELT_KERNEL, or set it to one of these")
    })?;
    if let Some(threads) = everywhere.threads {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads));
        pool.build_global().map_err(Failure::told)?;
    }
    let _crew = match arguments.command {
        // One of many processes, each of which computes nothing: helpers would be a crowd.
        Command::Parse(_) => None,
        _ => Some(crew::enlist().map_err(Failure::told)?),
    };
    match arguments.command {
        Command::Quickstart(quickstart) => quickstart.run(everywhere),
        Command::Train(train) => train.run(everywhere),
        Command::Pretrain(pretrain) => pretrain.run(everywhere),
        Command::Study(study) => study.run(everywhere),
        Command::Base(BaseCommand::Show(show)) => show.run(everywhere),
        Command::Base(BaseCommand::Embed(embed)) => embed.run(everywhere),
        Command::Base(BaseCommand::Generate(generate)) => generate.run(everywhere),
        Command::Base(BaseCommand::Pack(pack)) => pack.run(everywhere),
        Command::Data(DataCommand::Check(check)) => check.run(everywhere),
        Command::Eval(eval) => eval.run(everywhere),
        Command::Execute(execute) => execute.run(everywhere),
        Command::Predict(predict) => predict.run(everywhere),
        Command::Score(score) => score.run(everywhere),
        Command::Serve(serve) => serve.run(everywhere),
        Command::Baseline(baseline) => baseline.run(everywhere),
        Command::Prompt(prompt) => prompt.run(everywhere),
        Command::Judge(judge) => judge.run(everywhere),
        Command::Export(export) => export.run(everywhere),
        Command::Advise(advise) => advise.run(),
        Command::Harvest(harvest) => harvest.run(everywhere),
        Command::Search(search) => search.run(everywhere),
        Command::Similar(similar) => similar.run(everywhere),
        Command::Mcp(mcp) => mcp.run(everywhere),
        Command::Scan(scan) => scan.run(everywhere),
        Command::Parse(parse) => parse.run(),
    }
}

/// Leaves out the tasks of a recipe that were not asked for; none named means all.
fn choose_tasks(
    tasks: &mut IndexMap<String, TaskSettings>,
    wanted: &[String],
) -> Result<(), Failure> {
    if let Some(unknown) = wanted.iter().find(|name| !tasks.contains_key(*name)) {
        let names: Vec<&str> = tasks.keys().map(String::as_str).collect();
        return Err(Failure::told(format_args!(
            "--tasks {unknown}: the recipe has no such task"
        ))
        .with_hint(format_args!("it has {}", names.join(", "))));
    }
    if !wanted.is_empty() {
        tasks.retain(|name, _| wanted.contains(name));
    }
    Ok(())
}

/// Tells all problems; those that are no mere warnings stop the program.
fn tell(problems: &[Problem], called: &str, everywhere: &Everywhere) -> Result<(), Failure> {
    let (warnings, defects): (Vec<_>, Vec<_>) = problems.iter().partition(|p| p.warning);
    let shown = defects.iter().map(|p| ("error", *p));
    let known = warnings.iter().map(|p| ("warning", *p));
    for (word, problem) in shown.chain(known) {
        if word == "warning" && everywhere.quiet {
            continue;
        }
        say(format_args!("{word}: {problem}"));
        if let Some(hint) = &problem.hint {
            say(format_args!("hint: {hint}"));
        }
    }
    match defects.len() {
        0 => Ok(()),
        1 => Err(Failure::told(format_args!(
            "the {called} cannot be run, as told above"
        ))),
        count => Err(Failure::told(format_args!(
            "the {called} cannot be run, for {count} reasons, as told above"
        ))),
    }
}

/// A language in which functions are found.
fn language(word: &str) -> Result<Language, String> {
    let known = LANGUAGES.map(|language| language.name()).join(", ");
    let found: Option<Language> = word.parse().ok();
    found
        .filter(|language| LANGUAGES.contains(language))
        .ok_or_else(|| format!("expected one of {known}"))
}

/// `f32`, `bf16`, `int8` or `nf4`.
fn precision(word: &str) -> Result<Precision, String> {
    word.parse()
}
