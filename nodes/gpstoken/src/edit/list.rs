//! The edits of EditTokens, read from JSON.
//!
//! The known keys come from the defaults of the options, so they always agree with the structs.

use super::{
    affine::Transform,
    area::Area,
    criteria::{Criteria, Picture},
    duplication::duplicate,
    removal::delete,
    textures::replace_textures,
    token_set::{ANY, HALF, IfEmpty, TokenSet, is_empty},
};
use crate::names::nearest;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value as Json};
use splatgraph_sdk::{Error, Result};

/// One entry of the list.
#[derive(Debug)]
pub(crate) struct Edit {
    select: Criteria,
    if_empty: IfEmpty,
    action: Action,
}

#[derive(Debug)]
enum Action {
    Transform(Transform),
    Delete(Delete),
    Duplicate(Duplicate),
    ReplaceTextures(Replace),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct Delete {
    fill: bool,
}

impl Default for Delete {
    fn default() -> Self {
        Self { fill: true }
    }
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Duplicate {
    move_x: f64,
    move_y: f64,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Replace {
    source: Criteria,
}

/// The values of `edit`.
const KINDS: [&str; 4] = ["transform", "delete", "duplicate", "replace_textures"];
/// Keys of every edit.
const COMMON: [&str; 3] = ["edit", "select", "if_empty"];

/// Reads the list.
///
/// # Errors
/// `edits` is not a list, or an entry is not an edit; the message has the index of the edit and the nearest right name.
pub(crate) fn read(edits: &Json) -> Result<Vec<Edit>> {
    let Some(edits) = edits.as_array() else {
        return Err(Error::new(format!(
            r#"expected a list of edits, such as [{{"edit": "transform", "select": {{"region": [0, 0, 64, 64]}}, "move_x": 20}}], got {edits}"#
        )));
    };
    edits.iter().enumerate().map(|(index, edit)| read_one(edit).map_err(|e| of_edit(e, index))).collect()
}

/// Adds the index of the edit to an error, which then blames the whole list.
fn of_edit(error: Error, index: usize) -> Error {
    Error { input: None, ..error }.context(format!("edit {index}")).blame("edits")
}

fn read_one(edit: &Json) -> Result<Edit> {
    let Some(keys) = edit.as_object() else {
        return Err(Error::new(format!("expected an object with the key `edit`, got {edit}")));
    };
    let kind = match keys.get("edit") {
        Some(Json::String(kind)) => kind.as_str(),
        Some(other) => return Err(Error::new(format!("expected one of {} for `edit`, got {other}", KINDS.join(", ")))),
        None => return Err(Error::new(format!("expected the key `edit` with one of {}, got none", KINDS.join(", ")))),
    };
    let own: Map<String, Json> =
        keys.iter().filter(|(key, _)| !COMMON.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect();
    let action = match kind {
        "transform" => Action::Transform(options(own, kind, &COMMON)?),
        "delete" => Action::Delete(options(own, kind, &COMMON)?),
        "duplicate" => Action::Duplicate(options(own, kind, &COMMON)?),
        "replace_textures" => {
            let mut own = own;
            let source = own.remove("source").map(|source| criteria(&source, "source")).transpose()?;
            let replace: Replace = options(own, kind, &COMMON)?;
            Action::ReplaceTextures(source.map_or(replace, |source| Replace { source }))
        }
        other => return Err(Error::new(format!("expected a known edit, got `{other}`{}", suggest(other, &KINDS)))),
    };
    let select = keys.get("select").map(|select| criteria(select, "select")).transpose()?.unwrap_or_default();
    let if_empty = match keys.get("if_empty") {
        Some(value) => serde_json::from_value(value.clone())
            .map_err(|_| Error::new(format!(r#"expected "error" or "keep" for `if_empty`, got {value}"#)))?,
        None => IfEmpty::Error,
    };
    Ok(Edit { select, if_empty, action })
}

fn criteria(value: &Json, key: &str) -> Result<Criteria> {
    let Some(keys) = value.as_object() else {
        return Err(Error::new(format!(
            r#"expected an object with criteria for `{key}`, such as {{"region": [0, 0, 64, 64]}}, got {value}"#
        )));
    };
    options(keys.clone(), key, &[])
}

/// The options of the struct `T`; an unknown key is an error.
fn options<T: Default + Serialize + DeserializeOwned>(given: Map<String, Json>, of: &str, more: &[&str]) -> Result<T> {
    let known = serde_json::to_value(T::default())?;
    let known: Vec<&str> = known.as_object().into_iter().flat_map(Map::keys).map(String::as_str).collect();
    if let Some(unknown) = given.keys().find(|key| !known.contains(&key.as_str())) {
        let all: Vec<&str> = known.iter().chain(more).copied().collect();
        return Err(Error::new(format!("expected a known key in `{of}`, got `{unknown}`{}", suggest(unknown, &all))));
    }
    // One by one, so that the message names the key.
    let mut whole = serde_json::to_value(T::default())?;
    for (key, value) in given {
        let given = value.to_string();
        whole[&key] = value;
        if let Err(error) = serde_json::from_value::<T>(whole.clone()) {
            return Err(Error::new(format!("`{key}` of `{of}`: {error}, got {given}")));
        }
    }
    Ok(serde_json::from_value(whole)?)
}

/// `; did you mean `x`?`, or the list of known names.
fn suggest(name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(nearest) => format!("; did you mean `{nearest}`?"),
        None => format!("; known: {}", known.join(", ")),
    }
}

/// What edits need besides the tokens.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) area: Area,
    pub(crate) support: f32,
    pub(crate) mask: Option<&'a [f32]>,
}

/// Applies the edits in order to the tokens of one picture. `tell` gets the indices of tokens that left the canvas.
///
/// # Errors
/// An edit fails; the message has its index.
pub(crate) fn apply(
    edits: &[Edit],
    set: &mut TokenSet,
    around: Surroundings<'_>,
    tell: &mut dyn FnMut(&[usize]),
) -> Result<()> {
    for (index, edit) in edits.iter().enumerate() {
        apply_one(edit, set, around, tell).map_err(|e| of_edit(e, index))?;
    }
    Ok(())
}

fn apply_one(edit: &Edit, set: &mut TokenSet, around: Surroundings<'_>, tell: &mut dyn FnMut(&[usize])) -> Result<()> {
    let Surroundings { area, support, mask } = around;
    let selected = edit.select.select(Picture::of_set(set, area, mask)).map_err(|e| within("select", e))?;
    let least = if matches!(edit.action, Action::Delete(_)) { HALF } else { ANY };
    if is_empty(&selected, least, edit.if_empty, "edits")? {
        return Ok(());
    }
    match &edit.action {
        Action::Transform(transform) => {
            tell(&transform.apply(set, &selected, area, support).map_err(|e| within("transform", e))?);
        }
        Action::Delete(Delete { fill }) => delete(set, &selected, *fill)?,
        Action::Duplicate(Duplicate { move_x, move_y }) => {
            tell(&duplicate(set, &selected, [*move_x, *move_y], area, support)?);
        }
        Action::ReplaceTextures(Replace { source }) => {
            let chosen = source.select(Picture::of_set(set, area, mask)).map_err(|e| within("source", e))?;
            let before = set.clone();
            replace_textures(set, &selected, &before, &chosen)?;
        }
    }
    Ok(())
}

/// Adds the option of `key` that an error blames, if it blames one.
fn within(key: &str, error: Error) -> Error {
    match &error.input {
        Some(option) => Error::new(format!("`{option}` of `{key}`: {}", error.message)),
        None => error,
    }
}
