//! The command line of `cargo xtask`: one enum of its subcommands.

use crate::{bench, build, serve, test};
use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;

/// Sets up, builds, serves and tests GenreLens.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", after_help = AFTER_HELP)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
Missing tools are installed first, and named before that happens. Compiled files go to $CARGO_TARGET_DIR, or else to \
${XDG_CACHE_HOME:-~/.cache}/genrelens/target, so that a fresh clone reuses them.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Build the page and serve it on this machine only
    Serve(serve::Options),
    /// Build the page into dist/ and print the size of every file
    Build(build::Options),
    /// Run the checks, the cheapest first
    Test(test::Options),
    /// Fetch MusiCNN's weights, which `serve`, `build` and `test` also try to do
    Weights,
    /// Time GenreLens on this machine, beside other programs that do the same work
    Bench(bench::Options),
    /// Write the lists, manifests and service worker of dist/; every build does this
    PostBuild,
    /// Train a network: `genrelens train` with the same arguments
    Train(PassedThrough),
    /// Evaluate a network: `genrelens evaluate` with the same arguments
    Evaluate(PassedThrough),
}

/// Arguments for GenreLens's own command line, which also answers `--help`.
#[derive(Args, Debug)]
#[command(disable_help_flag = true)]
pub struct PassedThrough {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENT")]
    pub arguments: Vec<OsString>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;
    use clap::error::ErrorKind;

    fn parse(words: &str) -> Result<Command, ErrorKind> {
        let words = ["cargo xtask"].into_iter().chain(words.split_whitespace());
        Cli::try_parse_from(words).map(|cli| cli.command).map_err(|error| error.kind())
    }

    fn serve(words: &str) -> Result<serve::Options, ErrorKind> {
        parse(&format!("serve {words}")).map(|command| match command {
            Command::Serve(options) => options,
            other => panic!("{other:?}"),
        })
    }

    fn build(words: &str) -> Result<build::Options, ErrorKind> {
        parse(&format!("build {words}")).map(|command| match command {
            Command::Build(options) => options,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn serve_reads_its_options() {
        let default = serve::Options { port: 8080, no_open: false, build: build::Options { base_path: None } };
        assert_eq!(serve(""), Ok(default));
        let build = build::Options { base_path: Some("/x/".into()) };
        let all = serve::Options { port: 9000, no_open: true, build };
        assert_eq!(serve("--no-open --port 9000 --base-path /x"), Ok(all));
        for wrong in ["--port", "--port x", "--port 70000", "--open", "--base-path", "--base-path x"] {
            assert!(serve(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn build_reads_its_base_path() {
        assert_eq!(build(""), Ok(build::Options { base_path: None }));
        assert_eq!(build("--base-path /x"), Ok(build::Options { base_path: Some("/x/".into()) }));
        for wrong in ["--base-path", "--base-path x", "/x/", "--base-path /x/ more"] {
            assert!(build(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn test_takes_stages_and_flags_in_any_order() {
        let Ok(Command::Test(options)) = parse("test fmt --keep-going unit --list") else { panic!("no test command") };
        assert_eq!(options.words, ["fmt", "unit"]);
        assert!(options.keep_going && options.list);
        assert_eq!(parse("test --keepgoing").unwrap_err(), ErrorKind::UnknownArgument);
    }

    #[test]
    fn bench_takes_the_names_of_its_parts() {
        let options = |words: &str| match parse(words) {
            Ok(Command::Bench(options)) => Ok(options),
            Ok(other) => panic!("{other:?}"),
            Err(kind) => Err(kind),
        };
        let parts = |words: &str| options(words).map(|options| options.parts);
        use bench::Part::{FrontEnd, Inference, Page, Training, TrainingRuns};
        assert_eq!(parts("bench"), Ok(vec![]));
        assert_eq!(parts("bench training front-end"), Ok(vec![Training, FrontEnd]));
        let with_gpu = options("bench page --gpu inference").unwrap();
        assert!(with_gpu.gpu && with_gpu.parts == [Page, Inference]);
        assert!(!options("bench page").unwrap().gpu);
        // The older name of the same part.
        assert_eq!(parts("bench lessons training-runs"), Ok(vec![TrainingRuns, TrainingRuns]));
        assert_eq!(parts("bench lesson"), Err(ErrorKind::InvalidValue));
    }

    #[test]
    fn train_and_evaluate_pass_everything_on() {
        let passed = "data --epochs 3 -q --help -- --port 1";
        for name in ["train", "evaluate"] {
            let words = match parse(&format!("{name} {passed}")) {
                Ok(Command::Train(rest) | Command::Evaluate(rest)) => rest.arguments,
                other => panic!("{other:?}"),
            };
            assert_eq!(words, passed.split(' ').collect::<Vec<_>>(), "{name}");
            assert!(parse(&format!("{name} --help")).is_ok() && parse(name).is_ok());
        }
    }

    #[test]
    fn commands_without_arguments_refuse_them() {
        assert!(
            matches!(parse("post-build"), Ok(Command::PostBuild)) && matches!(parse("weights"), Ok(Command::Weights))
        );
        assert_eq!(parse("post-build dist").unwrap_err(), ErrorKind::UnknownArgument);
        assert_eq!(parse("weights --all").unwrap_err(), ErrorKind::UnknownArgument);
        assert_eq!(parse("finish").unwrap_err(), ErrorKind::InvalidSubcommand);
    }
}
