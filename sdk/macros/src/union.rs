//! `#[derive(Union)]`

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Result, spanned::Spanned};

pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let item: DeriveInput = syn::parse2(item)?;
    let Data::Enum(data) = &item.data else {
        return Err(Error::new(item.ident.span(), "expected an enum to derive Union for"));
    };
    let ident = &item.ident;
    let mut variants = Vec::new();
    let mut types = Vec::new();
    for variant in &data.variants {
        match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => types.push(&fields.unnamed[0].ty),
            _ => return Err(Error::new(variant.span(), "expected a variant with one type, such as `Tokens(Tokens)`")),
        }
        variants.push(&variant.ident);
    }
    if variants.is_empty() {
        return Err(Error::new(ident.span(), "expected an enum with at least one variant"));
    }
    Ok(quote! {
        impl ::splatgraph_sdk::socket::Socket for #ident {
            fn socket() -> ::std::string::String {
                [#(<#types as ::splatgraph_sdk::socket::Socket>::socket()),*].join(",")
            }
        }
        impl ::splatgraph_sdk::socket::Input for #ident {
            fn from_value(value: &::splatgraph_sdk::Value) -> ::splatgraph_sdk::Result<Self> {
                let got = value.type_name();
                #(if ::splatgraph_sdk::spec::socket_types_meet(&got, &<#types as ::splatgraph_sdk::socket::Socket>::socket()) {
                    return <#types as ::splatgraph_sdk::socket::Input>::from_value(value).map(Self::#variants);
                })*
                ::core::result::Result::Err(::splatgraph_sdk::socket::no_such_type(value, &<Self as ::splatgraph_sdk::socket::Socket>::socket()))
            }
        }
        impl ::splatgraph_sdk::socket::Output for #ident {
            fn into_value(self) -> ::splatgraph_sdk::Result<::splatgraph_sdk::Value> {
                match self { #(Self::#variants(value) => ::splatgraph_sdk::socket::Output::into_value(value)),* }
            }
        }
    })
}
