//! The hidden command with which shells complete a word: `splatgraph complete -- WORDS`. The last word is the one to complete. Each
//! line of the answer is a whole word. Without an answer the shell completes files. No help shows the command.
//!
//! It is quick, opens no pack, and never prints an error: it knows only the packs that other commands looked over before.

use std::path::Path;

use clap::{Arg, Command, CommandFactory};
use splatgraph::graph::{File, class_of};
use splatgraph::registry::Registry;
use splatgraph_sdk::spec::{InputSpec, scalar};

use crate::cli::pack_folders::PackFolders;
use crate::cli::{Arguments, graphs, output, source};

/// The name of the command.
const NAME: &str = "complete";

/// The words, if the command line is this command.
pub(crate) fn asked() -> Option<Vec<String>> {
    let mut arguments = std::env::args_os().skip(1);
    let is_it = arguments.next()? == NAME && arguments.next()? == "--";
    is_it.then(|| arguments.map(|word| word.to_string_lossy().into_owned()).collect())
}

/// Prints the words that the last word may become.
pub(crate) fn run(words: &[String]) {
    let Some((word, before)) = words.split_last() else { return };
    let mut found = Line::new(before).candidates(word);
    found.retain(|candidate| candidate.starts_with(word.as_str()) && candidate.chars().all(is_plain));
    found.dedup();
    if !found.is_empty() {
        // Nobody reads an error.
        let _ = output::print_as_is(&(found.join("\n") + "\n"));
    }
}

/// Whether a shell takes a character as it is. A graph from elsewhere may have names with commands for the shell in them.
fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "_-+./:=@,".contains(c)
}

/// The words before the word to complete.
struct Line {
    command: Command,
    /// The words that are no commands and no options.
    given: Vec<String>,
    packs: PackFolders,
    /// The option whose value is to be completed.
    option: Option<Arg>,
}

impl Line {
    fn new(before: &[String]) -> Self {
        let mut command = Arguments::command();
        command.build();
        let (mut given, mut folders, mut option): (Vec<String>, Vec<String>, Option<Arg>) = Default::default();
        for word in before {
            if let Some(option) = option.take() {
                if option.get_long() == Some("packs") {
                    folders.push(word.clone());
                }
            } else if let Some(name) = word.strip_prefix('-') {
                let is_it = |arg: &&Arg| match name.strip_prefix('-') {
                    Some(long) => arg.get_long() == Some(long),
                    None => arg.get_short().is_some_and(|short| name == short.to_string()),
                };
                option = command.get_arguments().find(is_it).filter(|arg| arg.get_action().takes_values()).cloned();
            } else if let Some(inner) = command.find_subcommand(word).filter(|_| given.is_empty()).cloned() {
                command = inner;
            } else {
                given.push(word.clone());
            }
        }
        let packs = PackFolders::of(folders.into_iter().map(Into::into).collect());
        Self { command, given, packs, option }
    }

    fn candidates(&self, word: &str) -> Vec<String> {
        if let Some(option) = &self.option {
            return self.values(option, word);
        }
        if word.starts_with('-') {
            let options = self.command.get_arguments().filter(|arg| !arg.is_hide_set());
            return options.filter_map(|arg| Some(format!("--{}", arg.get_long()?))).collect();
        }
        let commands = self.command.get_subcommands().filter(|command| !command.is_hide_set());
        let commands: Vec<String> = commands.map(|command| command.get_name().to_owned()).collect();
        if self.given.is_empty() && !commands.is_empty() {
            return commands;
        }
        match self.command.get_name() {
            "nodes" if self.given.is_empty() => {
                let registry = self.registry();
                let packs = registry.packs().iter().map(|pack| pack.manifest.id.clone());
                packs.chain(registry.class_names().iter().cloned()).collect()
            }
            "run" | "check" | "bench" | "watch" | "batch" if !self.given.is_empty() => self.named_inputs(word),
            // Without a letter the shell shows files.
            "run" | "check" | "bench" | "watch" | "batch" | "draw" | "convert" if !word.is_empty() => graphs::names(),
            _ => {
                let argument = self.command.get_positionals().nth(self.given.len());
                argument.map(possible_values).unwrap_or_default()
            }
        }
    }

    /// The values of an option.
    fn values(&self, option: &Arg, word: &str) -> Vec<String> {
        let Some(file) = self.graph() else { return possible_values(option) };
        let ids = || file.nodes.iter().map(|node| &node.id).chain(file.graph_nodes.iter().map(|node| &node.id));
        match (option.get_long(), word.split_once('=')) {
            (Some("set"), _) => self.set(&file, word),
            (Some("swap"), None) => ids().map(|id| format!("{id}=")).collect(),
            (Some("swap"), Some((id, _))) => {
                self.registry().class_names().iter().map(|class| format!("{id}={class}")).collect()
            }
            (Some("until"), _) => ids().cloned().collect(),
            (Some("collect"), _) => file.outputs.iter().map(|output| output.name.clone()).collect(),
            _ => possible_values(option),
        }
    }

    /// The words of `--set`: `node.`, then `node.input=`, then `node.input=value`.
    fn set(&self, file: &File, word: &str) -> Vec<String> {
        let (target, value) = word.split_once('=').map_or((word, None), |(target, value)| (target, Some(value)));
        let Some((id, name)) = target.rsplit_once('.') else {
            return file.nodes.iter().map(|node| format!("{}.", node.id)).collect();
        };
        let class = file.node(id).and_then(|node| self.registry().class(&node.class_type));
        let inputs = class.map(|class| class.spec.inputs.clone()).unwrap_or_default();
        match value {
            None => inputs.iter().map(|input| format!("{id}.{}=", input.name)).collect(),
            Some(_) => {
                let input = inputs.iter().find(|input| input.name == name);
                input.map(|input| with_values(target, input)).unwrap_or_default()
            }
        }
    }

    /// The words of the graph's named inputs: `name=`, then `name=value`.
    fn named_inputs(&self, word: &str) -> Vec<String> {
        let Some(file) = self.graph() else { return Vec::new() };
        let Some((name, _)) = word.split_once('=') else {
            return file.inputs.iter().map(|named| format!("{}=", named.name)).collect();
        };
        let registry = self.registry();
        let spec = file.named_input(name).and_then(|named| {
            let target = named.targets.first()?;
            let class = class_of(file.node(&target.node)?, &registry)?;
            class.spec.inputs.iter().find(|spec| spec.name == target.input).cloned()
        });
        spec.map(|spec| with_values(name, &spec)).unwrap_or_default()
    }

    /// The graph, with the graphs in it.
    fn graph(&self) -> Option<File> {
        let path = graphs::located(Path::new(self.given.first()?)).canonicalize().ok()?;
        // Reading a pipe might take for ever, and takes what another command should read.
        // Neither is a bundle unpacked for it.
        if !path.is_file() || path.extension().is_some_and(|ending| ending == "zip") {
            return None;
        }
        source::parse(&path).ok()?.ok()
    }

    fn registry(&self) -> Registry {
        self.packs.remembered().unwrap_or_else(|_| Registry::new(Vec::new()))
    }
}

fn possible_values(argument: &Arg) -> Vec<String> {
    argument.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect()
}

/// The values of an input behind its name, if they are known.
fn with_values(name: &str, input: &InputSpec) -> Vec<String> {
    let values: Vec<&str> = match input.socket.as_str() {
        scalar::BOOLEAN => vec!["false", "true"],
        _ if input.path.is_some() => input.builtin.iter().map(String::as_str).collect(),
        _ => input.choices.iter().map(|choice| choice.name.as_str()).collect(),
    };
    values.into_iter().map(|value| format!("{name}={value}")).collect()
}
