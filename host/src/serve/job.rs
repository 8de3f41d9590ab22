//! A job: a graph that somebody asked the server to run.

use serde_json::{Map, Value as Json, json};

/// A job as it was asked for.
#[derive(Clone, Debug)]
pub(super) struct Job {
    /// A UUID.
    pub(super) id: String,
    /// Its place in the queue: jobs with smaller numbers run first.
    pub(super) number: f64,
    /// Milliseconds since 1970.
    pub(super) created: u64,
    /// What was asked for; see [`Body`].
    pub(super) body: Body,
}

/// What was asked for.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Body {
    /// A bare prompt, or a graph in this program's own format.
    pub(super) graph: Json,
    /// Whether the graph is a bare prompt.
    pub(super) is_prompt: bool,
    /// The nodes that the job is for, output nodes unless it is unlisted; empty for a graph in this program's own format.
    pub(super) outputs: Vec<String>,
    /// The client that gets the events.
    pub(super) client: Option<String>,
    /// What the client sent besides, such as its workflow.
    pub(super) extra: Map<String, Json>,
    /// Whether only its client hears of the job: it is in no list and no history, and a restart forgets it.
    #[serde(default)]
    pub(super) unlisted: bool,
}

impl std::fmt::Display for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

impl Body {
    /// The front end's workflow, if the client sent one.
    pub(super) fn workflow(&self) -> Option<&Json> {
        self.extra.get("extra_pnginfo")?.get("workflow")
    }
}

impl Job {
    /// The id of the front end's workflow, if the client sent one.
    pub(super) fn workflow(&self) -> Option<&str> {
        self.body.workflow()?.get("id")?.as_str()
    }

    /// The five values by which queue and history describe a job.
    pub(super) fn to_queue_item(&self) -> Json {
        let mut extra = self.body.extra.clone();
        if let Some(client) = &self.body.client {
            extra.insert("client_id".to_owned(), client.as_str().into());
        }
        json!([plain(self.number), self.id, self.body.graph, extra, self.body.outputs])
    }
}

/// How far a job came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Pending,
    InProgress,
    Completed,
    Failed,
    Cancelled,
}

impl Stage {
    const ALL: [Self; 5] = [Self::Pending, Self::InProgress, Self::Completed, Self::Failed, Self::Cancelled];
    /// The stages of jobs that ended.
    pub(super) const ENDED: [Self; 3] = [Self::Completed, Self::Failed, Self::Cancelled];

    /// The name in the protocol.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.name() == name)
    }
}

/// What stays of a job that ended.
#[derive(Clone, Debug, Default)]
pub(super) struct Ended {
    /// For each output node, what it shows.
    pub(super) outputs: Map<String, Json>,
    /// The first and the last events, each a name with its data.
    pub(super) messages: Vec<(String, Json)>,
    /// The first error.
    pub(super) error: Option<Json>,
    /// For each node, whether and why it ran.
    pub(super) nodes: Vec<Json>,
    /// The named results that JSON can hold.
    pub(super) results: Map<String, Json>,
}

impl Ended {
    pub(super) fn to_json(&self) -> Json {
        json!({
            "outputs": self.outputs,
            "messages": self.messages,
            "error": self.error,
            "nodes": self.nodes,
            "results": self.results,
        })
    }

    pub(super) fn from_json(json: Json) -> Option<Self> {
        let Json::Object(mut ending) = json else { return None };
        let mut take = |key: &str| ending.remove(key).unwrap_or_default();
        let object = |value: Json| match value {
            Json::Object(object) => object,
            _ => Map::new(),
        };
        Some(Self {
            outputs: object(take("outputs")),
            messages: serde_json::from_value(take("messages")).ok()?,
            error: Some(take("error")).filter(|error| !error.is_null()),
            nodes: serde_json::from_value(take("nodes")).ok()?,
            results: object(take("results")),
        })
    }
}

/// A job with what became of it.
#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) job: Job,
    pub(super) stage: Stage,
    /// Milliseconds since 1970.
    pub(super) started: Option<u64>,
    /// Milliseconds since 1970.
    pub(super) ended: Option<u64>,
    pub(super) ending: Option<Ended>,
}

/// A place in the queue as clients write it, without a point where it is whole.
pub(super) fn plain(number: f64) -> Json {
    #[expect(clippy::cast_possible_truncation, reason = "such a number is small")]
    if number.fract() == 0.0 && number.abs() < 1e15 { (number as i64).into() } else { number.into() }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A job as lists show it.
pub(super) struct Listed {
    pub(super) id: String,
    pub(super) number: f64,
    /// The id of the front end's workflow, if the client sent one.
    pub(super) workflow: Option<String>,
    /// Milliseconds since 1970, as the other times.
    pub(super) created: u64,
    pub(super) stage: Stage,
    pub(super) started: Option<u64>,
    pub(super) ended: Option<u64>,
    pub(super) shown: Shown,
}

/// What lists show of an [`Ended`].
#[derive(Default, serde::Deserialize)]
pub(super) struct Shown {
    /// For each output node, what it shows.
    pub(super) outputs: Map<String, Json>,
    /// The first error.
    pub(super) error: Option<Json>,
}

impl From<&Stored> for Listed {
    fn from(Stored { job, stage, started, ended, ending }: &Stored) -> Self {
        let shown =
            ending.as_ref().map(|ending| Shown { outputs: ending.outputs.clone(), error: ending.error.clone() });
        Self {
            id: job.id.clone(),
            number: job.number,
            workflow: job.workflow().map(str::to_owned),
            created: job.created,
            stage: *stage,
            started: *started,
            ended: *ended,
            shown: shown.unwrap_or_default(),
        }
    }
}
