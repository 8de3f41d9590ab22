//! `#[node]`

use crate::attributes::{InputOptions, NodeOptions, camel_case, help};
use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{
    Error, Expr, ExprLit, FnArg, GenericArgument, Ident, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl, Lit, Pat,
    PathArguments, ReceiverKind, Result, ReturnType, Signature, Type, spanned::Spanned,
};

pub(crate) fn expand(options: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let options: NodeOptions = syn::parse2(options)?;
    match syn::parse2(item)? {
        Item::Fn(function) => function_node(&options, function),
        Item::Impl(block) => struct_node(&options, block),
        other => {
            Err(Error::new(other.span(), "#[node] goes above a function, or above an `impl` block with a method `run`"))
        }
    }
}

fn function_node(options: &NodeOptions, mut function: ItemFn) -> Result<TokenStream> {
    let parameters = parameters(&mut function.sig)?;
    let ident = &function.sig.ident;
    let visibility = &function.vis;
    let class = class_name(options, &camel_case(&ident.to_string()));
    let spec = spec(options, &class, &help(&function.attrs), &parameters, &function.sig)?;
    let (reads, arguments) = calls(&parameters);
    Ok(quote! {
        #function

        // Lives in the namespace of types, beside the function of the same name.
        #[doc(hidden)]
        #[allow(non_camel_case_types, reason = "it stands for the function of the same name")]
        #visibility struct #ident {}

        impl ::splatgraph_sdk::Node for #ident {
            fn create() -> Self {
                Self {}
            }
            #spec
            fn call(&self, context: &::splatgraph_sdk::Ctx, inputs: &::splatgraph_sdk::node::Inputs<'_>) -> ::splatgraph_sdk::Result<::std::vec::Vec<::splatgraph_sdk::Value>> {
                let _ = (context, inputs);
                #reads
                ::splatgraph_sdk::socket::Outputs::into_values(#ident(#arguments)?)
            }
        }
    })
}

fn struct_node(options: &NodeOptions, mut block: ItemImpl) -> Result<TokenStream> {
    if block.trait_.is_some() || !block.generics.params.is_empty() {
        return Err(Error::new(
            block.self_ty.span(),
            "#[node] goes above a plain `impl` block, without trait or generics",
        ));
    }
    let ty = block.self_ty.clone();
    let name = match &*ty {
        Type::Path(path) => path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default(),
        other => return Err(Error::new(other.span(), "the name of a struct was expected")),
    };
    let block_help = help(&block.attrs);
    let run = block.items.iter_mut().find_map(|item| match item {
        ImplItem::Fn(method) if method.sig.ident == "run" => Some(method),
        _ => None,
    });
    let run: &mut ImplItemFn =
        run.ok_or_else(|| Error::new(ty.span(), "the `impl` block of a node needs a method `run(&self, ..)`"))?;
    let takes_self = matches!(run.sig.inputs.first(), Some(FnArg::Receiver(receiver)) if matches!(receiver.kind, ReceiverKind::Reference(_, _, None)));
    if !takes_self {
        return Err(Error::new(
            run.sig.span(),
            "`run` takes `&self`: a node may run on several threads; put what changes behind a Mutex",
        ));
    }
    let parameters = parameters(&mut run.sig)?;
    let text = [block_help, help(&run.attrs)].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join("\n\n");
    let class = class_name(options, &name);
    let spec = spec(options, &class, &text, &parameters, &run.sig)?;
    let (reads, arguments) = calls(&parameters);
    Ok(quote! {
        #block

        impl ::splatgraph_sdk::Node for #ty {
            fn create() -> Self {
                <Self as ::core::default::Default>::default()
            }
            #spec
            fn call(&self, context: &::splatgraph_sdk::Ctx, inputs: &::splatgraph_sdk::node::Inputs<'_>) -> ::splatgraph_sdk::Result<::std::vec::Vec<::splatgraph_sdk::Value>> {
                let _ = (context, inputs);
                #reads
                ::splatgraph_sdk::socket::Outputs::into_values(self.run(#arguments)?)
            }
        }
    })
}

fn class_name(options: &NodeOptions, from_ident: &str) -> String {
    options.name.as_ref().map_or_else(|| from_ident.to_owned(), |name| name.value())
}

enum Parameter {
    Context,
    Input(Box<InputParameter>),
}

struct InputParameter {
    ident: Ident,
    ty: Type,
    options: InputOptions,
    help: String,
}

impl InputParameter {
    fn name(&self) -> String {
        self.ident.to_string().trim_start_matches("r#").to_owned()
    }

    /// The default as an expression of the parameter's type.
    fn default(&self) -> Option<TokenStream> {
        let ty = &self.ty;
        self.options.default.as_ref().map(|expression| match expression {
            Expr::Lit(ExprLit { lit: Lit::Str(_), .. }) => {
                quote_spanned!(expression.span()=> <#ty as ::core::convert::From<&str>>::from(#expression))
            }
            _ => quote_spanned!(expression.span()=> { let default: #ty = #expression; default }),
        })
    }
}

/// The parameters; what only the macro understands is taken out of the signature.
fn parameters(signature: &mut Signature) -> Result<Vec<Parameter>> {
    if let Some(asyncness) = &signature.asyncness {
        return Err(Error::new(asyncness.span(), "a node is not async: the host runs it on a thread of its own"));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new(signature.generics.span(), "a node has no generics"));
    }
    let mut all = Vec::new();
    for argument in &mut signature.inputs {
        let FnArg::Typed(typed) = argument else { continue };
        let Pat::Ident(pattern) = &*typed.pat else {
            return Err(Error::new(typed.pat.span(), "an input needs a plain name"));
        };
        let ident = pattern.ident.clone();
        let (options, help) = InputOptions::take(&mut typed.attrs)?;
        if let Type::Reference(reference) = &*typed.ty {
            let is_context =
                matches!(&*reference.elem, Type::Path(p) if p.path.segments.last().is_some_and(|s| s.ident == "Ctx"));
            if !is_context {
                return Err(Error::new(
                    typed.ty.span(),
                    "an input is an owned value, such as `Image` or `String`; only the context is a reference: `ctx: &Ctx`",
                ));
            }
            all.push(Parameter::Context);
            continue;
        }
        if !options.builtin.is_empty() && options.path.as_ref().is_none_or(|p| p != "model") {
            return Err(Error::new(options.builtin[0].span(), "`builtin` names models: it goes with `path = model`"));
        }
        if !options.extensions.is_empty() && options.path.as_ref().is_none_or(|p| p == "read_dir") {
            let message = "`extensions` names kinds of files: it goes with `path = read`, `write` or `model`";
            return Err(Error::new(options.extensions[0].span(), message));
        }
        all.push(Parameter::Input(Box::new(InputParameter { ident, ty: (*typed.ty).clone(), options, help })));
    }
    Ok(all)
}

fn inputs(parameters: &[Parameter]) -> impl Iterator<Item = &InputParameter> {
    parameters.iter().filter_map(|p| match p {
        Parameter::Input(input) => Some(&**input),
        Parameter::Context => None,
    })
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
    let output = options.output;
    let input_specs = inputs(parameters).map(input_spec);
    let outputs_ty = outputs_type(signature)?;
    let names = output_names(options, outputs_ty)?;
    let (output_names, output_help): (Vec<String>, Vec<String>) = names.into_iter().unzip();
    Ok(quote! {
        fn spec() -> ::splatgraph_sdk::spec::NodeSpec {
            let names = [#((#output_names, #output_help)),*] as [(&str, &str); _];
            let sockets = <#outputs_ty as ::splatgraph_sdk::socket::Outputs>::sockets();
            ::splatgraph_sdk::spec::NodeSpec {
                name: ::std::string::String::from(#class),
                version: #version,
                category: ::std::string::String::from(#category),
                help: ::std::string::String::from(#help),
                output: #output,
                inputs: ::std::vec![#(#input_specs),*],
                outputs: names.into_iter().zip(sockets).map(|((name, help), (socket, list))| ::splatgraph_sdk::spec::OutputSpec {
                    name: ::std::string::String::from(name),
                    socket,
                    list,
                    help: ::std::string::String::from(help),
                }).collect(),
            }
        }
    })
}

fn input_spec(input: &InputParameter) -> TokenStream {
    let ty = &input.ty;
    let name = input.name();
    let help = &input.help;
    let span = ty.span();
    let some = |value: Option<TokenStream>| {
        value.map_or_else(|| quote!(::core::option::Option::None), |v| quote!(::core::option::Option::Some(#v)))
    };
    let json = |e: &Option<Expr>| some(e.as_ref().map(|e| quote!(::splatgraph_sdk::serde_json::json!(#e))));
    let (min, max) = (json(&input.options.min), json(&input.options.max));
    let default = some(
        input.default().map(|d| quote_spanned!(span=> <#ty as ::splatgraph_sdk::socket::Literal>::to_literal(&#d))),
    );
    let path = some(input.options.path.as_ref().map(|kind| {
        let variant = Ident::new(&camel_case(&kind.to_string()), kind.span());
        quote!(::splatgraph_sdk::spec::PathKind::#variant)
    }));
    let (builtin, extensions) = (&input.options.builtin, &input.options.extensions);
    let socket = quote_spanned!(span=> <#ty as ::splatgraph_sdk::socket::Socket>);
    quote! {
        ::splatgraph_sdk::spec::InputSpec {
            name: ::std::string::String::from(#name),
            socket: #socket::socket(),
            list: #socket::LIST,
            optional: #socket::OPTIONAL,
            default: #default,
            min: #min,
            max: #max,
            choices: #socket::choices(),
            path: #path,
            builtin: ::std::vec![#(::std::string::String::from(#builtin)),*],
            extensions: ::std::vec![#(::std::string::String::from(#extensions)),*],
            help: ::std::string::String::from(#help),
        }
    }
}

/// Statements that read the inputs, and the arguments of the call.
fn calls(parameters: &[Parameter]) -> (TokenStream, TokenStream) {
    // Names of their own: a parameter may be called as the function is.
    let variable = |index: usize| format_ident!("input_{index}");
    let reads = inputs(parameters).enumerate().map(|(index, input)| {
        let (name, ty, variable) = (input.name(), &input.ty, variable(index));
        match input.default() {
            Some(default) => {
                quote_spanned!(ty.span()=> let #variable = inputs.get_or::<#ty>(#index, #name, || #default)?;)
            }
            None => quote_spanned!(ty.span()=> let #variable = inputs.get::<#ty>(#index, #name)?;),
        }
    });
    let reads = quote!(#(#reads)*);
    let mut next = 0..;
    let arguments = parameters.iter().map(|p| match p {
        Parameter::Context => quote!(context),
        Parameter::Input(_) => next.next().map(variable).to_token_stream(),
    });
    (reads, quote!(#(#arguments),*))
}

/// The `T` of `Result<T>`.
fn outputs_type(signature: &Signature) -> Result<&Type> {
    let expected = "a node returns `Result<..>`: one output, a tuple of outputs, or `()`";
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

/// Name and help of each output; their number must be that of the returned values.
fn output_names(options: &NodeOptions, ty: &Type) -> Result<Vec<(String, String)>> {
    let count = match ty {
        Type::Tuple(tuple) => tuple.elems.len(),
        _ => 1,
    };
    let names = options.outputs.as_deref().unwrap_or_default();
    if names.len() != count {
        let span = options.outputs_span.unwrap_or_else(|| ty.span());
        let message = format!(
            "{count} outputs are returned, {} are named: write #[node(outputs(first, second: \"help\"))], a name for each",
            names.len()
        );
        return Err(Error::new(span, message));
    }
    Ok(names.iter().map(|n| (n.name.to_string(), n.help.as_ref().map(|h| h.value()).unwrap_or_default())).collect())
}
