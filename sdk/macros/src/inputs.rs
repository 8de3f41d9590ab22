//! The inputs of a node or of a group: how they are declared in the manifest, and how they are read.

use crate::attributes::{InputOptions, camel_case};
use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Error, Expr, ExprLit, Ident, Lit, Result, Type, spanned::Spanned};

/// A parameter of a node or a field of a group.
pub(crate) struct DeclaredInput {
    pub(crate) ident: Ident,
    ty: Type,
    options: InputOptions,
    help: String,
}

impl DeclaredInput {
    pub(crate) fn new(ident: Ident, ty: Type, options: InputOptions, help: String) -> Result<Self> {
        if !options.builtin.is_empty() && options.path.as_ref().is_none_or(|p| p != "model") {
            return Err(Error::new(
                options.builtin[0].span(),
                "expected `path = model` with `builtin`, which names models",
            ));
        }
        if !options.extensions.is_empty() && options.path.as_ref().is_none_or(|p| p == "read_dir") {
            let message = "expected `path = read`, `write` or `model` with `extensions`, which names kinds of files";
            return Err(Error::new(options.extensions[0].span(), message));
        }
        if let Some(only) = options.extensions_only
            && (options.extensions.is_empty() || options.path.as_ref().is_none_or(|p| p != "write"))
        {
            let message = "expected `path = write` and `extensions` with `extensions_only`, which refuses others";
            return Err(Error::new(only, message));
        }
        if let Some(flatten) = options.flatten {
            if !options.is_only_flatten() {
                return Err(Error::new(
                    flatten,
                    "expected `flatten` alone: the fields of the group have their own options",
                ));
            }
            if !help.is_empty() {
                return Err(Error::new(
                    ident.span(),
                    "expected no doc comment: the fields of the group have their own",
                ));
            }
        }
        Ok(Self { ident, ty, options, help })
    }

    /// A statement that adds the input, or the inputs of the group, to the variable `inputs: &mut Vec<InputSpec>`.
    pub(crate) fn declaration(&self) -> TokenStream {
        let ty = &self.ty;
        let span = ty.span();
        if self.options.flatten.is_some() {
            return quote_spanned!(span=> <#ty as ::splatgraph_sdk::node::InputGroup>::declare(inputs););
        }
        let name = self.ident.to_string();
        let (name, help) = (name.trim_start_matches("r#"), &self.help);
        let declared = quote_spanned!(span=> ::splatgraph_sdk::node::declare_input::<#ty>(inputs, #name, #help));
        let mut set = Vec::new();
        if let Some(literal) = self.default_literal() {
            set.push(quote!(input.default = ::core::option::Option::Some(#literal);));
        }
        let bounds = [
            (quote!(min), &self.options.min),
            (quote!(max), &self.options.max),
            (quote!(chosen_when), &self.options.chosen_when),
        ];
        for (field, bound) in bounds {
            let set_bound = bound.iter().map(
                |e| quote!(input.#field = ::core::option::Option::Some(::splatgraph_sdk::serde_json::Value::from(#e));),
            );
            set.extend(set_bound);
        }
        if let Some(kind) = &self.options.path {
            let variant = Ident::new(&camel_case(&kind.to_string()), kind.span());
            set.push(quote!(input.path = ::core::option::Option::Some(::splatgraph_sdk::spec::PathKind::#variant);));
        }
        for (field, texts) in [(quote!(builtin), &self.options.builtin), (quote!(extensions), &self.options.extensions)]
        {
            if !texts.is_empty() {
                set.push(quote!(input.#field = ::std::vec![#(::std::string::String::from(#texts)),*];));
            }
        }
        if self.options.extensions_only.is_some() {
            set.push(quote!(input.extensions_only = true;));
        }
        for (field, other) in
            [(quote!(counts_from), &self.options.counts_from), (quote!(chosen_by), &self.options.chosen_by)]
        {
            if let Some(other) = other {
                set.push(quote!(input.#field = ::core::option::Option::Some(::std::string::String::from(#other));));
            }
        }
        if set.is_empty() { quote!(#declared;) } else { quote!({ let input = #declared; #(#set)* }) }
    }

    /// An expression that takes the input, or the inputs of the group, from the variable `inputs: &mut Inputs`.
    pub(crate) fn reading(&self) -> TokenStream {
        let ty = &self.ty;
        if self.options.flatten.is_some() {
            quote_spanned!(ty.span()=> <#ty as ::splatgraph_sdk::node::InputGroup>::take(inputs)?)
        } else {
            quote_spanned!(ty.span()=> inputs.take::<#ty>()?)
        }
    }

    /// An expression of the default as JSON, checked against the input's type.
    fn default_literal(&self) -> Option<TokenStream> {
        let ty = &self.ty;
        self.options.default.as_ref().map(|expression| match expression {
            Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) => {
                quote_spanned!(expression.span()=> ::splatgraph_sdk::node::text_literal::<#ty>(#expression))
            }
            _ => {
                let default = quote_spanned!(expression.span()=> { let default: #ty = #expression; default });
                quote_spanned!(ty.span()=> <#ty as ::splatgraph_sdk::socket::Literal>::to_literal(&#default))
            }
        })
    }
}

/// The error for an input that is a reference.
pub(crate) fn borrowed(ty: &Type) -> Error {
    Error::new(
        ty.span(),
        "expected an owned value, such as `Image` or `String`; only the context is a reference: `ctx: &Ctx`",
    )
}
