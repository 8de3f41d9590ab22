//! The settings of a run.

use serde_json::{Map, Value as Json};
use splatgraph_sdk::{
    settings::PNG_TEXT,
    spec::{InputSpec, NodeSpec, PathKind},
};

/// The settings of a run: a JSON object that nodes get. Only nodes that may write PNG files get the texts for pictures.
pub type Settings = Map<String, Json>;

/// The settings as JSON. The texts for pictures have the whole graph in them, and a node reads all of its settings. So only nodes
/// that may write pictures get these texts, or the time of a run would grow with the square of the graph.
pub(super) struct SettingsText {
    all: String,
    without_texts: String,
    given: Settings,
}

impl SettingsText {
    pub(super) fn new(given: Settings) -> Self {
        let all = Json::Object(given.clone()).to_string();
        let mut settings = given.clone();
        settings.shift_remove(PNG_TEXT);
        Self { all, without_texts: Json::Object(settings).to_string(), given }
    }

    /// The settings themselves.
    pub(super) fn given(&self) -> &Settings {
        &self.given
    }

    /// The settings for a node of a class.
    pub(super) fn of(&self, class: &NodeSpec) -> &str {
        if writes_png(class) { &self.all } else { &self.without_texts }
    }
}

/// Whether the nodes of a class may write PNG files.
pub(crate) fn writes_png(class: &NodeSpec) -> bool {
    let writes = |spec: &InputSpec| {
        let is_png = |extension: &String| extension.eq_ignore_ascii_case("png");
        spec.path == Some(PathKind::Write) && (spec.extensions.is_empty() || spec.extensions.iter().any(is_png))
    };
    class.inputs.iter().any(writes)
}
