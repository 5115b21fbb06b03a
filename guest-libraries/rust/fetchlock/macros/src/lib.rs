//! The attribute `#[fetchlock::handler]`, which makes a function the handler of a component.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Error, FnArg, ItemFn, Result, ReturnType, Type, parse_macro_input};

/// Makes a function the handler of this component; see the crate `fetchlock`.
#[proc_macro_attribute]
pub fn handler(attribute: proc_macro::TokenStream, item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let function = parse_macro_input!(item as ItemFn);
    let made = check(&attribute.into(), &function).and_then(|()| component(&function));
    // With the function beside it, so that an editor goes on helping with it.
    made.unwrap_or_else(|error| {
        let error = error.into_compile_error();
        quote!(#function #error)
    })
    .into()
}

fn check(attribute: &TokenStream, function: &ItemFn) -> Result<()> {
    let signature = &function.sig;
    if !attribute.is_empty() {
        return Err(Error::new(attribute.span(), "`#[fetchlock::handler]` takes no arguments"));
    }
    if let Some(keyword) = &signature.asyncness {
        return Err(Error::new(
            keyword.span(),
            "a handler is not `async`: all calls to the host wait for their answers",
        ));
    }
    if !signature.generics.params.is_empty() {
        return Err(Error::new(signature.generics.span(), "a handler has no type parameters and no lifetimes"));
    }
    if matches!(signature.output, ReturnType::Default) {
        return Err(Error::new(
            signature.ident.span(),
            "a handler returns `fetchlock::Result` (of nothing, a struct of variables, or an `Outcome`)",
        ));
    }
    Ok(())
}

fn component(function: &ItemFn) -> Result<TokenStream> {
    let arguments = function.sig.inputs.iter().map(argument).collect::<Result<Vec<_>>>()?;
    let name = &function.sig.ident;
    Ok(quote! {
        // What only the component calls is not dead in a test.
        #[allow(dead_code)]
        #function

        const _: () = {
            #[allow(dead_code)]
            fn outcome() -> ::core::result::Result<::fetchlock::Outcome, ::fetchlock::Error> {
                ::fetchlock::glue::outcome(#name(#(#arguments),*))
            }

            #[cfg(target_family = "wasm")]
            const _: () = {
                struct Component;

                impl ::fetchlock::raw::Guest for Component {
                    fn handle() -> ::core::result::Result<(), ::std::string::String> {
                        ::fetchlock::glue::run(outcome)
                    }
                }

                ::fetchlock::raw::export_component!(Component with_types_in ::fetchlock::raw);
            };
        };
    })
}

/// How an argument is had.
fn argument(argument: &FnArg) -> Result<TokenStream> {
    let typed = match argument {
        FnArg::Typed(typed) => typed,
        FnArg::Receiver(receiver) => return Err(Error::new(receiver.span(), "a handler is a function, not a method")),
    };
    Ok(match &*typed.ty {
        Type::Reference(reference) => {
            let referred = &reference.elem;
            quote!(&<#referred as ::fetchlock::glue::Argument>::ask()?)
        }
        owned => quote!(<#owned as ::fetchlock::glue::Argument>::ask()?),
    })
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn refused(attribute: TokenStream, function: ItemFn) -> String {
        let made = check(&attribute, &function).and_then(|()| component(&function));
        made.expect_err("refused").to_string()
    }

    #[test]
    fn what_cannot_be_a_handler_is_told_with_what_a_handler_is() {
        let none = TokenStream::new;
        for (found, expected) in [
            (
                refused(
                    quote!(topic = "a"),
                    parse_quote!(
                        fn handle() -> Result {
                            Ok(())
                        }
                    ),
                ),
                "takes no arguments",
            ),
            (
                refused(
                    none(),
                    parse_quote!(
                        async fn handle() -> Result {
                            Ok(())
                        }
                    ),
                ),
                "a handler is not `async`",
            ),
            (
                refused(
                    none(),
                    parse_quote!(
                        fn handle<T>(it: T) -> Result {
                            Ok(())
                        }
                    ),
                ),
                "has no type parameters",
            ),
            (
                refused(
                    none(),
                    parse_quote!(
                        fn handle() {}
                    ),
                ),
                "a handler returns `fetchlock::Result`",
            ),
            (
                refused(
                    none(),
                    parse_quote!(
                        fn handle(&self) -> Result {
                            Ok(())
                        }
                    ),
                ),
                "a function, not a method",
            ),
        ] {
            assert!(found.contains(expected), "expected {expected:?}, found {found:?}");
        }
    }

    #[test]
    fn a_handler_takes_any_number_of_arguments_by_value_or_by_reference() {
        for function in [
            parse_quote!(
                fn handle() -> Result {
                    Ok(())
                }
            ),
            parse_quote!(
                fn handle(order: Order, task: &Task) -> Result<Outcome> {
                    Ok(Outcome::complete())
                }
            ),
        ] {
            check(&TokenStream::new(), &function).expect("a handler");
            component(&function).expect("a component");
        }
    }
}
