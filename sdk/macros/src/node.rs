//! `#[node]`

use crate::{
    attributes::{InputOptions, NodeOptions, camel_case, help},
    inputs::{DeclaredInput, borrowed},
};
use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Error, FnArg, GenericArgument, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl, Pat, PathArguments, ReceiverKind,
    Result, ReturnType, Signature, Type, spanned::Spanned,
};

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options: NodeOptions = syn::parse2(options)?;
    match syn::parse2(item)? {
        Item::Fn(function) => function_node(&options, function),
        Item::Impl(block) => struct_node(&options, block),
        other => {
            Err(Error::new(other.span(), "expected a function, or an `impl` block with a method `run`, below #[node]"))
        }
    }
}

fn function_node(options: &NodeOptions, mut function: ItemFn) -> Result<TokenStream> {
    let parameters = parameters(&mut function.sig)?;
    let ident = &function.sig.ident;
    let visibility = &function.vis;
    let class = class_name(options, &camel_case(&ident.to_string()));
    let spec = spec(options, &class, &help(&function.attrs), &parameters, &function.sig)?;
    let call = call(quote!(#ident), &parameters);
    Ok(quote! {
        #function

        // The struct is in the namespace of types, so it can have the name of the function.
        #[doc(hidden)]
        #[allow(non_camel_case_types, reason = "it has the name of the function")]
        #visibility struct #ident {}

        impl ::splatgraph_sdk::Node for #ident {
            fn create() -> Self {
                Self {}
            }
            #spec
            #call
        }
    })
}

fn struct_node(options: &NodeOptions, mut block: ItemImpl) -> Result<TokenStream> {
    if block.trait_.is_some() || !block.generics.params.is_empty() {
        return Err(Error::new(
            block.self_ty.span(),
            "expected an `impl` block without trait and generics below #[node]",
        ));
    }
    let ty = block.self_ty.clone();
    let name = match &*ty {
        Type::Path(path) => path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default(),
        other => return Err(Error::new(other.span(), "expected the name of a struct")),
    };
    let block_help = help(&block.attrs);
    let run = block.items.iter_mut().find_map(|item| match item {
        ImplItem::Fn(method) if method.sig.ident == "run" => Some(method),
        _ => None,
    });
    let run: &mut ImplItemFn =
        run.ok_or_else(|| Error::new(ty.span(), "expected a method `run(&self, ..)` in the `impl` block of a node"))?;
    let takes_self = matches!(run.sig.inputs.first(), Some(FnArg::Receiver(receiver)) if matches!(receiver.kind, ReceiverKind::Reference(_, _, None)));
    if !takes_self {
        return Err(Error::new(
            run.sig.span(),
            "expected `&self`: a node may run on several threads, so put changing state behind a Mutex",
        ));
    }
    let parameters = parameters(&mut run.sig)?;
    let text = [block_help, help(&run.attrs)].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("\n\n");
    let class = class_name(options, &name);
    let spec = spec(options, &class, &text, &parameters, &run.sig)?;
    let call = call(quote!(self.run), &parameters);
    Ok(quote! {
        #block

        impl ::splatgraph_sdk::Node for #ty {
            fn create() -> Self {
                <Self as ::core::default::Default>::default()
            }
            #spec
            #call
        }
    })
}

fn class_name(options: &NodeOptions, from_ident: &str) -> String {
    options.name.as_ref().map_or_else(|| from_ident.to_owned(), |name| name.value())
}

enum Parameter {
    Context,
    Input(Box<DeclaredInput>),
}

/// The parameters. The attributes that only the macro understands are removed from the signature.
fn parameters(signature: &mut Signature) -> Result<Vec<Parameter>> {
    if let Some(asyncness) = &signature.asyncness {
        return Err(Error::new(
            asyncness.span(),
            "expected a function that is not async: the host runs each node on a thread",
        ));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new(signature.generics.span(), "expected a node without generics"));
    }
    let mut all = Vec::new();
    for argument in &mut signature.inputs {
        let FnArg::Typed(typed) = argument else { continue };
        let Pat::Ident(pattern) = &*typed.pat else {
            return Err(Error::new(typed.pat.span(), "expected a plain name for an input"));
        };
        let ident = pattern.ident.clone();
        let (options, help) = InputOptions::take(&mut typed.attrs)?;
        if let Type::Reference(reference) = &*typed.ty {
            let is_context =
                matches!(&*reference.elem, Type::Path(p) if p.path.segments.last().is_some_and(|s| s.ident == "Ctx"));
            if !is_context {
                return Err(borrowed(&typed.ty));
            }
            all.push(Parameter::Context);
            continue;
        }
        all.push(Parameter::Input(Box::new(DeclaredInput::new(ident, (*typed.ty).clone(), options, help)?)));
    }
    Ok(all)
}

/// `fn spec()`
fn spec(
    options: &NodeOptions,
    class: &str,
    help: &str,
    parameters: &[Parameter],
    signature: &Signature,
) -> Result<TokenStream> {
    let category = options.category.as_ref().map(|c| c.value()).unwrap_or_default();
    let version = options.version.as_ref().map_or_else(|| quote!(1), ToTokens::to_token_stream);
    let (output, saves) = (options.output, options.saves);
    let declarations = parameters.iter().filter_map(|p| match p {
        Parameter::Input(input) => Some(input.declaration()),
        Parameter::Context => None,
    });
    let outputs_ty = outputs_type(signature)?;
    let names = output_names(options, outputs_ty)?;
    let (output_names, output_help): (Vec<String>, Vec<String>) = names.into_iter().unzip();
    Ok(quote! {
        fn spec() -> ::splatgraph_sdk::spec::NodeSpec {
            let mut all = ::std::vec::Vec::new();
            let inputs = &mut all;
            let _ = &inputs;
            #(#declarations)*
            let sockets = <#outputs_ty as ::splatgraph_sdk::socket::Outputs>::sockets();
            ::splatgraph_sdk::spec::NodeSpec {
                name: ::std::string::String::from(#class),
                version: #version,
                category: ::std::string::String::from(#category),
                help: ::std::string::String::from(#help),
                output: #output,
                saves: #saves,
                inputs: all,
                outputs: ::splatgraph_sdk::node::declare_outputs(&[#((#output_names, #output_help)),*], sockets),
            }
        }
    })
}

/// `fn call()`, which calls `function`.
fn call(function: TokenStream, parameters: &[Parameter]) -> TokenStream {
    let arguments = parameters.iter().map(|p| match p {
        Parameter::Context => quote!(context),
        Parameter::Input(input) => input.reading(),
    });
    quote! {
        fn call(&self, context: &::splatgraph_sdk::Ctx, inputs: &mut ::splatgraph_sdk::node::Inputs<'_>) -> ::splatgraph_sdk::Result<::std::vec::Vec<::splatgraph_sdk::Value>> {
            let _ = (context, &inputs);
            ::splatgraph_sdk::socket::Outputs::into_values(#function(#(#arguments),*)?)
        }
    }
}

/// The `T` of `Result<T>`.
fn outputs_type(signature: &Signature) -> Result<&Type> {
    let expected = "expected a node that returns `Result<..>` with one output, a tuple of outputs, or `()`";
    let ReturnType::Type(_, ty) = &signature.output else { return Err(Error::new(signature.ident.span(), expected)) };
    if let Type::Path(path) = &**ty
        && let Some(last) = path.path.segments.last()
        && last.ident == "Result"
        && let PathArguments::AngleBracketed(arguments) = &last.arguments
        && let Some(GenericArgument::Type(inner)) = arguments.args.first()
    {
        return Ok(inner);
    }
    Err(Error::new(ty.span(), expected))
}

/// The name and help of each output.
///
/// # Errors
/// The number of names differs from the number of returned values.
fn output_names(options: &NodeOptions, ty: &Type) -> Result<Vec<(String, String)>> {
    let count = match ty {
        Type::Tuple(tuple) => tuple.elems.len(),
        _ => 1,
    };
    let names = options.outputs.as_deref().unwrap_or_default();
    if names.len() != count {
        let span = options.outputs_span.unwrap_or_else(|| ty.span());
        let message = format!(
            "expected {count} named output{}, got {}: write #[node(outputs(first, second: \"help\"))] with a name for each",
            if count == 1 { "" } else { "s" },
            names.len()
        );
        return Err(Error::new(span, message));
    }
    Ok(names.iter().map(|n| (n.name.to_string(), n.help.as_ref().map(|h| h.value()).unwrap_or_default())).collect())
}
