//! Parses doc comments, `#[node(..)]` and `#[input(..)]`.

use proc_macro2::Span;
use syn::{
    Attribute, Error, Expr, ExprLit, Ident, Lit, LitInt, LitStr, Meta, Result, Token, bracketed, parenthesized,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
};

/// The doc comment without its markers.
pub(crate) fn help(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|a| match &a.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<String> = lines.map(|l| l.strip_prefix(' ').unwrap_or(&l).trim_end().to_owned()).collect();
    lines.join("\n").trim().to_owned()
}

/// The name in camel case.
pub(crate) fn camel_case(name: &str) -> String {
    let parts = name.split('_').filter(|p| !p.is_empty());
    parts.map(|p| p[..1].to_uppercase() + &p[1..]).collect()
}

/// The name in snake case.
pub(crate) fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(c.to_lowercase());
    }
    text
}

/// `#[node(..)]`
#[derive(Default)]
pub(crate) struct NodeOptions {
    pub(crate) category: Option<LitStr>,
    pub(crate) version: Option<LitInt>,
    pub(crate) name: Option<LitStr>,
    pub(crate) output: bool,
    pub(crate) saves: bool,
    pub(crate) outputs: Option<Vec<OutputName>>,
    pub(crate) outputs_span: Option<Span>,
}

pub(crate) struct OutputName {
    pub(crate) name: Ident,
    pub(crate) help: Option<LitStr>,
}

impl Parse for OutputName {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.parse()?;
        let help = if input.parse::<Option<Token![:]>>()?.is_some() { Some(input.parse()?) } else { None };
        Ok(Self { name, help })
    }
}

impl Parse for NodeOptions {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            match key.to_string().as_str() {
                "category" => options.category = Some(value(input)?),
                "version" => options.version = Some(value(input)?),
                "name" => options.name = Some(value(input)?),
                "output" => options.output = true,
                "saves" => options.saves = true,
                "outputs" => {
                    let content;
                    parenthesized!(content in input);
                    options.outputs =
                        Some(Punctuated::<_, Token![,]>::parse_terminated(&content)?.into_iter().collect());
                    options.outputs_span = Some(key.span());
                }
                other => {
                    let message = format!(
                        "expected an option of #[node] (category, version, name, output, saves or outputs), got `{other}`"
                    );
                    return Err(Error::new(key.span(), message));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

fn value<T: Parse>(input: ParseStream<'_>) -> Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// `#[input(..)]`
#[derive(Default)]
pub(crate) struct InputOptions {
    pub(crate) default: Option<Expr>,
    pub(crate) min: Option<Expr>,
    pub(crate) max: Option<Expr>,
    pub(crate) path: Option<Ident>,
    pub(crate) builtin: Vec<LitStr>,
    pub(crate) extensions: Vec<LitStr>,
    /// The place of `extensions_only`.
    pub(crate) extensions_only: Option<Span>,
    pub(crate) counts_from: Option<LitStr>,
    pub(crate) chosen_by: Option<LitStr>,
    pub(crate) chosen_when: Option<Expr>,
    /// The place of `flatten`.
    pub(crate) flatten: Option<Span>,
}

impl Parse for InputOptions {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            match key.to_string().as_str() {
                "default" => options.default = Some(value(input)?),
                "min" => options.min = Some(value(input)?),
                "max" => options.max = Some(value(input)?),
                "path" => {
                    let kind: Ident = value(input)?;
                    if !["read", "read_dir", "write", "model"].contains(&kind.to_string().as_str()) {
                        let message = format!("expected a kind of path (read, read_dir, write or model), got `{kind}`");
                        return Err(Error::new(kind.span(), message));
                    }
                    options.path = Some(kind);
                }
                "builtin" => options.builtin = texts(input)?,
                "extensions" => options.extensions = texts(input)?,
                "extensions_only" => options.extensions_only = Some(key.span()),
                "counts_from" => options.counts_from = Some(value(input)?),
                "chosen_by" => options.chosen_by = Some(value(input)?),
                "chosen_when" => options.chosen_when = Some(value(input)?),
                "flatten" => options.flatten = Some(key.span()),
                other => {
                    let message = format!(
                        "expected an option of #[input] (default, min, max, path, builtin, extensions, extensions_only, counts_from, chosen_by, chosen_when or flatten), got `{other}`"
                    );
                    return Err(Error::new(key.span(), message));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

/// `= ["one", "two"]`
fn texts(input: ParseStream<'_>) -> Result<Vec<LitStr>> {
    input.parse::<Token![=]>()?;
    let content;
    bracketed!(content in input);
    Ok(Punctuated::<LitStr, Token![,]>::parse_terminated(&content)?.into_iter().collect())
}

impl InputOptions {
    pub(crate) fn is_only_flatten(&self) -> bool {
        let Self { default, min, max, path, builtin, extensions, extensions_only, counts_from, chosen_by, .. } = self;
        let no_path = path.is_none() && builtin.is_empty() && extensions.is_empty() && extensions_only.is_none();
        let no_other = counts_from.is_none() && chosen_by.is_none();
        no_path && no_other && [default, min, max, &self.chosen_when].iter().all(|e| e.is_none())
    }

    /// Removes the `#[input(..)]` and the doc comment from the attributes of a parameter, and returns both.
    pub(crate) fn take(attributes: &mut Vec<Attribute>) -> Result<(Self, String)> {
        let text = help(attributes);
        let mut options = Self::default();
        for attribute in attributes.iter().filter(|a| a.path().is_ident("input")) {
            options = attribute.parse_args()?;
        }
        attributes.retain(|a| !a.path().is_ident("input") && !a.path().is_ident("doc"));
        Ok((options, text))
    }
}
