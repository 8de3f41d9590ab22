//! The form in which a graph has a node, for messages and for the values that users give.

use super::step::Step;
use crate::graph::{
    file::{File, Target},
    problem::Problem,
};
use std::borrow::Cow;

/// The earlier form of a node to which changes of its pack were applied.
#[derive(Clone, Debug, PartialEq)]
pub struct Earlier {
    /// The pack of its class now.
    pub pack: String,
    /// The pack with the version with which the graph was made: `acme 0.1.0`.
    pub made_with: String,
    /// Its class as the graph has it.
    pub class: String,
    /// The inputs that changed.
    pub inputs: Vec<EarlierInput>,
    /// The outputs that are gone, each with what to do in its place.
    pub gone_outputs: Vec<(String, String)>,
}

/// The earlier form of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlierInput {
    /// Its name in the graph.
    pub name: String,
    /// Its name now; `None` if it is gone.
    pub now: Option<String>,
    /// What happened to its values, in this order.
    pub steps: Vec<Step>,
    /// What to do in its place, if it is gone.
    pub advice: String,
}

impl EarlierInput {
    fn renewed(&self, text: &str) -> String {
        self.steps.iter().fold(text.to_owned(), |text, step| step.apply_to_text(&text))
    }
}

impl File {
    fn earlier(&self, node: &str) -> Option<&Earlier> {
        self.earlier.get(node)
    }

    /// The earlier form of an input, by the name that the graph has for it.
    pub(in crate::graph) fn earlier_input(&self, target: &Target) -> Option<&EarlierInput> {
        self.earlier(&target.node)?.inputs.iter().find(|input| input.name == target.input)
    }

    /// An input of a node, and the text that a user gives for it, in the form of the loaded packs. Both are in the form of the graph, but a
    /// new name is known too.
    ///
    /// # Errors
    /// What to do in the place of an input that is gone.
    pub(in crate::graph) fn renewed<'t>(
        &self,
        target: Target,
        text: &'t str,
    ) -> Result<(Target, Cow<'t, str>), String> {
        match self.earlier_input(&target) {
            Some(EarlierInput { now: None, advice, .. }) => Err(advice.clone()),
            Some(input) => {
                let now = input.now.clone().unwrap_or_default();
                let text = if input.steps.is_empty() { text.into() } else { input.renewed(text).into() };
                Ok((Target { input: now, ..target }, text))
            }
            None => Ok((target, text.into())),
        }
    }

    /// The text that a user gives for a named input, in the form of the loaded packs. The target has the new name.
    pub(in crate::graph) fn renewed_text<'t>(&self, node: &str, input: &str, text: &'t str) -> Cow<'t, str> {
        let inputs = self.earlier(node).map_or(&[][..], |earlier| &earlier.inputs);
        match inputs.iter().find(|earlier| earlier.now.as_deref() == Some(input)) {
            Some(earlier) if !earlier.steps.is_empty() => earlier.renewed(text).into(),
            _ => text.into(),
        }
    }

    /// What to do in the place of an output that is gone.
    pub(in crate::graph) fn advice_for_output(&self, node: &str, output: &str) -> Option<String> {
        let (_, advice) = self.earlier(node)?.gone_outputs.iter().find(|(name, _)| name == output)?;
        Some(advice.clone())
    }

    /// Whether a value that a user gives for an input changes before the node gets it.
    pub(in crate::graph) fn changes_values_of(&self, node: &str, input: &str) -> bool {
        let inputs = self.earlier(node).map_or(&[][..], |earlier| &earlier.inputs);
        inputs.iter().any(|earlier| earlier.now.as_deref() == Some(input) && !earlier.steps.is_empty())
    }

    /// Adds to a problem how the graph writes the class and the input, if they have other names now.
    pub(in crate::graph) fn with_earlier_names(&self, problem: Problem) -> Problem {
        let Some(earlier) = problem.node.as_deref().and_then(|node| self.earlier(node)) else { return problem };
        let input = earlier.inputs.iter().find(|input| input.now.is_some() && input.now == problem.input);
        let input = input.filter(|input| input.now.as_ref() != Some(&input.name));
        let class = problem.class.as_ref().filter(|class| **class != earlier.class).map(|_| &earlier.class);
        let name = match (input, class) {
            (None, None) => return problem,
            (Some(input), None) => format!("the input is `{}`", input.name),
            (None, Some(class)) => format!("the class is `{class}`"),
            (Some(input), Some(class)) => format!("this is the input `{}` of `{class}`", input.name),
        };
        let note = format!("in the graph, made with {}, {name}", earlier.made_with);
        let hint = problem.hint.as_ref().map_or_else(|| note.clone(), |hint| format!("{hint}; {note}"));
        Problem { hint: Some(hint), ..problem }
    }
}
