//! `#[derive(Choice)]`

use crate::attributes::{help, snake_case};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, LitStr, Result, Variant, spanned::Spanned};

pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let item: DeriveInput = syn::parse2(item)?;
    let Data::Enum(data) = &item.data else {
        return Err(Error::new(item.ident.span(), "expected an enum to derive Choice for"));
    };
    let ident = &item.ident;
    let mut names = Vec::new();
    let mut texts = Vec::new();
    let mut variants = Vec::new();
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(Error::new(
                variant.fields.span(),
                "expected a choice without data; take the data as separate inputs",
            ));
        }
        names.push(name(variant)?);
        texts.push(help(&variant.attrs));
        variants.push(&variant.ident);
    }
    if variants.is_empty() {
        return Err(Error::new(ident.span(), "expected an enum with at least one choice"));
    }
    Ok(quote! {
        impl ::splatgraph_sdk::socket::Socket for #ident {
            fn socket() -> ::std::string::String {
                ::std::string::String::from(::splatgraph_sdk::spec::scalar::STRING)
            }
            fn choices() -> ::std::vec::Vec<::splatgraph_sdk::spec::ChoiceSpec> {
                ::splatgraph_sdk::socket::declare_choices(&[#((#names, #texts)),*])
            }
        }
        impl ::splatgraph_sdk::socket::Input for #ident {
            fn from_value(value: &::splatgraph_sdk::Value) -> ::splatgraph_sdk::Result<Self> {
                match value.as_text() {
                    #(::core::option::Option::Some(#names) => ::core::result::Result::Ok(Self::#variants),)*
                    _ => ::core::result::Result::Err(::splatgraph_sdk::socket::no_such_choice(value, &[#(#names),*])),
                }
            }
        }
        impl ::splatgraph_sdk::socket::Output for #ident {
            fn into_value(self) -> ::splatgraph_sdk::Result<::splatgraph_sdk::Value> {
                ::core::result::Result::Ok(::splatgraph_sdk::Value::text(match self { #(Self::#variants => #names),* }))
            }
        }
        impl ::splatgraph_sdk::socket::Literal for #ident {
            fn to_literal(&self) -> ::splatgraph_sdk::serde_json::Value {
                ::splatgraph_sdk::serde_json::Value::from(match self { #(Self::#variants => #names),* })
            }
        }
    })
}

/// `#[choice(name = "..")]`, or the variant's name in snake case.
fn name(variant: &Variant) -> Result<String> {
    let mut name = snake_case(&variant.ident.to_string());
    for attribute in variant.attrs.iter().filter(|a| a.path().is_ident("choice")) {
        attribute.parse_nested_meta(|meta| {
            if !meta.path.is_ident("name") {
                return Err(meta.error("expected the option `name` of #[choice]"));
            }
            name = meta.value()?.parse::<LitStr>()?.value();
            Ok(())
        })?;
    }
    Ok(name)
}
