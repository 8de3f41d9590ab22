//! The tokens of one picture without padding, on which edits work.

use crate::{
    canvas::Gaussian,
    names::{counted, one_or},
};
use splatgraph_sdk::{Ctx, Error, Result, Selection, Tensor, Tokens};

/// The tokens of one picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TokenSet {
    /// A gaussian for each token.
    pub gaussians: Vec<Gaussian>,
    /// The textures `[N, C]`.
    pub textures: Vec<f32>,
    /// Channels of a texture, C.
    pub channels: usize,
}

impl TokenSet {
    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.gaussians.len()
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.gaussians.is_empty()
    }

    /// The texture of a token.
    pub fn texture(&self, index: usize) -> &[f32] {
        &self.textures[index * self.channels..][..self.channels]
    }

    /// The texture of a token, to change.
    pub fn texture_mut(&mut self, index: usize) -> &mut [f32] {
        &mut self.textures[index * self.channels..][..self.channels]
    }

    /// Appends a token.
    pub fn push(&mut self, gaussian: Gaussian, texture: impl IntoIterator<Item = f32>) {
        self.gaussians.push(gaussian);
        self.textures.extend(texture);
    }

    /// The tokens with these indices, in this order.
    pub fn pick(&self, indices: impl IntoIterator<Item = usize>) -> Self {
        let mut picked = Self { channels: self.channels, ..Self::default() };
        for index in indices {
            picked.push(self.gaussians[index], self.texture(index).iter().copied());
        }
        picked
    }
}

/// What an editing node does for a picture in which no token is selected.
#[derive(splatgraph_sdk::Choice, Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IfEmpty {
    /// Stops with an error.
    #[default]
    Error,
    /// Passes the tokens of the picture on unchanged.
    Keep,
}

/// The number of tokens of each picture in a batch of `rows` pictures; a single picture counts for all.
pub fn used(counts: Option<&Tensor>, [batch, count]: [usize; 2], rows: usize) -> Result<Vec<usize>> {
    let counts = counts.map(|counts| counts.as_slice::<i64>()).transpose()?;
    Ok((0..rows).map(|b| counts.map_or(count, |counts| counts[b % batch.max(1)] as usize)).collect())
}

/// Splits a batch into pictures; a single picture is repeated `rows` times.
pub fn take_apart(tokens: &Tokens, rows: usize) -> Result<Vec<TokenSet>> {
    let [batch, count, channels] = tokens.textures.dims()?;
    let (gaussians, textures) = (tokens.gaussians.as_slice::<f32>()?, tokens.textures.as_slice::<f32>()?);
    let used = used(tokens.counts.as_ref(), [batch, count], rows)?;
    let picture = |(b, used): (usize, usize)| {
        let first = b % batch * count;
        TokenSet {
            gaussians: gaussians[first * 5..][..used * 5].as_chunks::<5>().0.to_vec(),
            textures: textures[first * channels..][..used * channels].to_vec(),
            channels,
        }
    };
    Ok(used.into_iter().enumerate().map(picture).collect())
}

/// Joins pictures to a batch. If every picture has as many tokens as in `like`, the padding does not change. Otherwise the
/// picture with the most tokens decides the padding of the others.
///
/// # Errors
/// The batch is too large.
pub fn put_together(sets: &[TokenSet], like: &Tokens) -> Result<Tokens> {
    let [batch, count, channels] = like.textures.dims()?;
    let before = used(like.counts.as_ref(), [batch, count], sets.len())?;
    let unchanged = sets.iter().zip(&before).all(|(set, before)| set.len() == *before);
    let rows = if unchanged { count } else { sets.iter().map(TokenSet::len).max().unwrap_or(0) };
    let (mut gaussians, mut textures) = (Vec::new(), Vec::new());
    for (b, set) in sets.iter().enumerate() {
        gaussians.extend_from_slice(set.gaussians.as_flattened());
        textures.extend_from_slice(&set.textures);
        if unchanged {
            let (from, to) = (b % batch * count + set.len(), b % batch * count + count);
            gaussians.extend_from_slice(&like.gaussians.as_slice::<f32>()?[from * 5..to * 5]);
            textures.extend_from_slice(&like.textures.as_slice::<f32>()?[from * channels..to * channels]);
        }
        gaussians.resize((b + 1) * rows * 5, 0.0);
        textures.resize((b + 1) * rows * channels, 0.0);
    }
    let counts = sets.iter().map(|set| set.len() as i64).collect::<Vec<_>>();
    let padded = if unchanged { like.counts.is_some() } else { counts.iter().any(|used| *used != rows as i64) };
    Tokens::new(
        Tensor::from_vec([sets.len(), rows, 5], gaussians)?,
        Tensor::from_vec([sets.len(), rows, channels], textures)?,
        padded.then(|| Tensor::from_vec([sets.len()], counts)).transpose()?,
        like.header.clone(),
    )
}

/// The number of pictures for inputs of `a` and `b` pictures: the larger one; a single picture is repeated.
///
/// # Errors
/// Both have several pictures, and not equally many, or `b` has none. The error blames the input `name`, which has `b`.
pub fn together(a: usize, name: &str, b: usize) -> Result<usize> {
    if a == b || b == 1 {
        return Ok(a);
    }
    // No picture beside one would leave none, and the one would be lost.
    if a == 1 && b > 0 {
        return Ok(b);
    }
    Err(Error::input(name, format!("expected {}, as the tokens have, got {b}", one_or(a))))
}

/// How much each of `count` tokens is selected in each of `rows` pictures; without a selection, all tokens are selected.
///
/// # Errors
/// The selection belongs to another number of tokens, or holds numbers outside 0..1.
pub fn selected(selection: Option<&Selection>, name: &str, count: usize, rows: usize) -> Result<Vec<Vec<f32>>> {
    let Some(selection) = selection else { return Ok((0..rows).map(|_| vec![1.0; count]).collect()) };
    let [batch, of] = selection.selected.dims()?;
    if of != count {
        return Err(Error::input(
            name,
            format!(
                "expected a selection of {}, got one of {of}. Select from the tokens that this node edits, after any node that adds or removes tokens",
                counted(count, "token")
            ),
        ));
    }
    let values = selection.selected.as_slice::<f32>()?;
    if let Some(at) = values.iter().position(|value| !(0.0..=1.0).contains(value)) {
        return Err(Error::input(
            name,
            format!(
                "expected numbers in 0..1, got {2} for token {0} of picture {1}",
                at % count,
                at / count,
                values[at]
            ),
        ));
    }
    Ok((0..rows).map(|b| values[b % batch.max(1) * count..][..count].to_vec()).collect())
}

/// Edits the tokens of each picture. `edit` gets the index of the picture, its tokens, and how much each token is selected.
/// The selection of a picture is empty if no token is selected by `least` or more.
///
/// # Errors
/// The selection does not fit, it is empty and `if_empty` does not allow that, or `edit` fails.
pub fn edit_each(
    tokens: &Tokens,
    selection: Option<&Selection>,
    least: f32,
    if_empty: IfEmpty,
    ctx: &Ctx,
    mut edit: impl FnMut(usize, &mut TokenSet, &[f32]) -> Result<()>,
) -> Result<Tokens> {
    let [batch, count, _] = tokens.textures.dims()?;
    let rows = match selection {
        Some(selection) => together(batch, "selection", selection.selected.shape()[0])?,
        None => batch,
    };
    let selected = selected(selection, "selection", count, rows)?;
    let mut sets = take_apart(tokens, rows)?;
    for (b, (set, selected)) in sets.iter_mut().zip(&selected).enumerate() {
        ctx.step(b, rows)?;
        let selected = &selected[..set.len()];
        if is_empty(selected, least, if_empty, "selection").map_err(|e| of_picture(e, b, rows))? {
            continue;
        }
        edit(b, set, selected).map_err(|e| of_picture(e, b, rows))?;
    }
    ctx.step(rows, rows)?;
    put_together(&sets, tokens)
}

/// Adds the index of the picture to an error if there are several pictures.
pub fn of_picture(error: Error, b: usize, rows: usize) -> Error {
    if rows == 1 { error } else { error.context(format!("picture {b}")) }
}

/// Whether no token is selected by `least` or more.
///
/// # Errors
/// No token is, and `if_empty` is [`IfEmpty::Error`].
pub fn is_empty(selected: &[f32], least: f32, if_empty: IfEmpty, name: &str) -> Result<bool> {
    let empty = selected.iter().all(|value| *value < least);
    if empty && if_empty == IfEmpty::Error {
        return Err(Error::input(
            name,
            format!(
                "expected at least one selected token, got none of {}. Widen the selection, look at it with DrawTokens, or set if_empty to \"keep\" if this may happen",
                counted(selected.len(), "token")
            ),
        ));
    }
    Ok(empty)
}

/// The least value with which a token counts as selected for an edit that has no half-way.
pub const HALF: f32 = 0.5;
/// The least value with which a token counts as selected for an edit that has a half-way.
pub const ANY: f32 = f32::MIN_POSITIVE;
