//! `#[derive(InputGroup)]`

use crate::{
    attributes::InputOptions,
    inputs::{DeclaredInput, borrowed},
};
use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Result, Type};

pub(crate) fn expand(item: TokenStream) -> Result<TokenStream> {
    let item: DeriveInput = syn::parse2(item)?;
    let ident = &item.ident;
    let fields = match item.data {
        Data::Struct(data) => match data.fields {
            Fields::Named(fields) if !fields.named.is_empty() && item.generics.params.is_empty() => fields.named,
            _ => return Err(not_a_group(ident)),
        },
        _ => return Err(not_a_group(ident)),
    };
    let mut inputs = Vec::new();
    for mut field in fields {
        let (options, help) = InputOptions::take(&mut field.attrs)?;
        if let Type::Reference(_) = field.ty {
            return Err(borrowed(&field.ty));
        }
        let name = field.ident.ok_or_else(|| not_a_group(ident))?;
        inputs.push(DeclaredInput::new(name, field.ty, options, help)?);
    }
    let (declarations, readings) = (inputs.iter().map(|i| i.declaration()), inputs.iter().map(|i| i.reading()));
    let names = inputs.iter().map(|i| &i.ident);
    Ok(quote! {
        impl ::splatgraph_sdk::node::InputGroup for #ident {
            fn declare(inputs: &mut ::std::vec::Vec<::splatgraph_sdk::spec::InputSpec>) {
                #(#declarations)*
            }
            fn take(inputs: &mut ::splatgraph_sdk::node::Inputs<'_>) -> ::splatgraph_sdk::Result<Self> {
                ::core::result::Result::Ok(Self { #(#names: #readings),* })
            }
        }
    })
}

fn not_a_group(ident: &syn::Ident) -> Error {
    Error::new(ident.span(), "expected a struct with named fields and without generics to derive InputGroup for")
}
