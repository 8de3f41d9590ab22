//! Misuse of the macros gives an error at the right place that says what to do.

#[test]
fn misuse_is_explained_where_it_happens() {
    trybuild::TestCases::new().compile_fail("tests/misuse/*.rs");
}
