//! `std.Calculate` and `std.Condition`.

use crate::told;
use insta::assert_snapshot;
use splatgraph_pack_std::calculate::{calculate, condition};
use splatgraph_sdk::{
    prelude::*,
    serde_json::Value as Literal,
    testing::{json, run},
};
use std::path::Path;

/// The value of an expression with a = 7, b = 2, c = 0.5 and d = -3.
fn number(expression: &str) -> Literal {
    let literals = json!({"expression": expression, "a": 7, "b": 2, "c": 0.5, "d": -3});
    run::<calculate>(literals, []).unwrap()[0].to_json().unwrap()
}

fn holds(expression: &str) -> bool {
    let literals = json!({"expression": expression, "a": 7, "b": "small", "c": true, "d": 30.5});
    run::<condition>(literals, []).unwrap()[0].as_bool().unwrap()
}

fn refused(literals: Literal) -> String {
    told(run::<calculate>(literals, []), Path::new("/none"))
}

#[test]
fn whole_numbers_stay_whole_where_the_result_is_exact() {
    for (expression, expected) in [
        ("a * 2 + b", json!(16)),
        ("a / b", json!(3.5)),
        ("(a - 1) / b", json!(3)),
        ("a // b", json!(3)),
        ("d // b", json!(-2)),
        ("d % b", json!(1)),
        ("7 % -2", json!(-1)),
        ("a * c", json!(3.5)),
        ("b * c", json!(1.0)),
        ("b ^ 10", json!(1024)),
        ("b ** -1", json!(0.5)),
        ("1 ^ 99999999999", json!(1)),
        ("round(2.5) + ceil(0.2) + floor(-0.2)", json!(3)),
        ("abs(d)", json!(3)),
        ("min(a, b, c)", json!(0.5)),
        ("max(a, b, c)", json!(7)),
        ("9223372036854775807 * 3 % 1000", json!(421)),
        ("9223372036854775807 + 9", json!(9_223_372_036_854_775_816_u64)),
        ("5.5 // 2", json!(2.0)),
        ("-5.5 % 2", json!(0.5)),
        ("1e3", json!(1000.0)),
        (".5", json!(0.5)),
    ] {
        assert_eq!(number(expression), expected, "{expression}");
    }
}

#[test]
fn operators_bind_as_in_mathematics() {
    for (expression, expected) in [
        ("2 + 3 * 4", json!(14)),
        ("(2 + 3) * 4", json!(20)),
        ("10 - 2 - 3", json!(5)),
        ("12 / 2 * 3", json!(18)),
        ("-2 ^ 2", json!(-4)),
        ("2 ^ 3 ^ 2", json!(512)),
        ("2 ^ -1 * 4", json!(2.0)),
        ("--3", json!(3)),
        ("2*pi", json!(std::f64::consts::TAU)),
        ("sqrt(16) + exp(0) + log(1) + cos(0) + sin(0)", json!(6.0)),
    ] {
        assert_eq!(number(expression), expected, "{expression}");
    }
}

#[test]
fn conditions_compare_numbers_texts_and_truths() {
    for (expression, expected) in [
        ("a > 6", true),
        ("a >= 7 and a <= 7 and a == 7.0", true),
        ("a != 7", false),
        ("b == 'small'", true),
        ("b < \"smalk\"", false),
        ("not c", false),
        ("not a > 8", true),
        ("c == true and false == (not c)", true),
        ("a > 8 or b == 'small' and c", true),
        ("d - a > 23 and d - a < 24", true),
        ("false and 1 / 0 > 1", false),
        ("true or 1 / 0 > 1", true),
        ("9223372036854775807 == 9223372036854775806", false),
    ] {
        assert_eq!(holds(expression), expected, "{expression}");
    }
}

#[test]
fn an_expression_without_a_value_says_why() {
    let of =
        |expression: &str| format!("{expression} -> {}", refused(json!({"expression": expression, "a": 1, "b": 0})));
    let expressions = [
        "",
        "a +",
        "a b",
        "a = 1",
        "(a",
        "a)",
        "x * 2",
        "max",
        "max()",
        "sin(a, b)",
        "a & b",
        "a ! b",
        "2 $ 3",
        "1.2.3",
        "1e999",
        "'a",
        "1 < 2 < 3",
        "a / b",
        "a // b",
        "a % 0.0",
        "0 ^ -1",
        "sqrt(-1)",
        "log(0)",
        "exp(1000)",
        "2 ^ 127",
        "2 ^ 64",
        "-9223372036854775809",
        "1e300 * 1e300",
        "round(1e60)",
        "a * 'x'",
        "a > 0",
        "'x'",
        "not a",
        "a > 'x'",
        "c",
        "99999999999999999999999999999999999999999",
        "-(-2 ^ 127)",
        "(-2) ^ 127 // -1",
    ];
    assert_snapshot!(expressions.map(of).join("\n"), @"
         -> expression: expected a number, a name or `(`, got the end at character 1
        a + -> expression: expected a number, a name or `(`, got the end at character 4
        a b -> expression: expected an operator or the end, got `b` at character 3
        a = 1 -> expression: expected a number, a name or an operator, got `=` at character 3; write == to compare
        (a -> expression: expected `)`, got the end at character 3
        a) -> expression: expected an operator or the end, got `)` at character 2
        x * 2 -> expression: expected a name of an input (a, b, c, d), `pi`, `true`, `false` or a function (abs, ceil, cos, exp, floor, log, max, min, round, sin, sqrt), got `x` at character 1
        max -> expression: expected `(` behind `max`, got the end at character 4
        max() -> expression: expected a number, a name or `(`, got `)` at character 5
        sin(a, b) -> expression: expected one value for `sin`, got 2
        a & b -> expression: expected a number, a name or an operator, got `&` at character 3; write and
        a ! b -> expression: expected a number, a name or an operator, got `!` at character 3; write not
        2 $ 3 -> expression: expected a number, a name or an operator, got `$` at character 3
        1.2.3 -> expression: expected an operator or the end, got `0.3` at character 4
        1e999 -> expression: expected a number, got `1e999` at character 1
        'a -> expression: expected a closing ' for the text at character 1, got the end of the expression
        1 < 2 < 3 -> expression: expected one comparison; join two with `and`, got `<` at character 7
        a / b -> expression: expected a number other than 0 behind `/`, got 0
        a // b -> expression: expected a number other than 0 behind `//`, got 0
        a % 0.0 -> expression: expected a number other than 0 behind `%`, got 0
        0 ^ -1 -> expression: expected a finite number from `^`, got one that is too large; use other numbers
        sqrt(-1) -> expression: expected a finite number from `sqrt`, got none; use other numbers
        log(0) -> expression: expected a finite number from `log`, got one that is too large; use other numbers
        exp(1000) -> expression: expected a finite number from `exp`, got one that is too large; use other numbers
        2 ^ 127 -> expression: expected a whole number below 2^127 from `^`, got a larger one; write a number as a float, such as 2.0
        2 ^ 64 -> expression: expected a whole number from -9223372036854775808 to 18446744073709551615, got 18446744073709551616; write one of the numbers as a float, such as 2.0
        -9223372036854775809 -> expression: expected a whole number from -9223372036854775808 to 18446744073709551615, got -9223372036854775809; write one of the numbers as a float, such as 2.0
        1e300 * 1e300 -> expression: expected a finite number from `*`, got one that is too large; use other numbers
        round(1e60) -> expression: expected a whole number below 2^127 from `round`, got a larger one; write a number as a float, such as 2.0
        a * 'x' -> expression: expected numbers for `*`, got a text
        a > 0 -> expression: expected an expression of a number, got one of true or false; use std.Condition
        'x' -> expression: expected an expression of a number, got one of a text; use std.Condition
        not a -> expression: expected true or false for `not`, got a number; compare it with another value
        a > 'x' -> expression: expected two values of one kind for `>`, got a number and a text
        c -> c: expected a value for `c`, which the expression names, got nothing
        99999999999999999999999999999999999999999 -> expression: expected a number, got `99999999999999999999999999999999999999999` at character 1
        -(-2 ^ 127) -> expression: expected a whole number below 2^127 from `^`, got a larger one; write a number as a float, such as 2.0
        (-2) ^ 127 // -1 -> expression: expected a whole number below 2^127 from `//`, got a larger one; write a number as a float, such as 2.0
        ");
}

#[test]
fn a_condition_has_to_be_one() {
    let of =
        |expression: &str| told(run::<condition>(json!({"expression": expression, "a": 1}), []), Path::new("/none"));
    assert_snapshot!(["a", "a and true", "true == not false", "'x' or true", "b > 1"].map(of).join("\n"), @"
        expression: expected a condition such as `a > 1`, got an expression of a number
        expression: expected true or false for `and`, got a number; compare it with another value
        expression: expected a name of an input (a, b, c, d), `pi`, `true`, `false` or a function (abs, ceil, cos, exp, floor, log, max, min, round, sin, sqrt), got `not` at character 9
        expression: expected true or false for `or`, got a text; compare it with another value
        b: expected a value for `b`, which the expression names, got nothing
        ");
}

#[test]
fn nan_and_other_values_are_refused() {
    let of = |value: Value| told(run::<calculate>(json!({"expression": "a"}), [("a", value)]), Path::new("/none"));
    assert_snapshot!([Value::float(f64::NAN), Value::text("1"), Value::list([])].map(of).join("\n"), @"
        a: expected a number, got NaN (not a number)
        a: expected a number, got STRING
        a: expected a number, got a list
        ");
    let infinite = [("a", Value::float(f64::INFINITY))];
    assert!(run::<condition>(json!({"expression": "a > 100"}), infinite).unwrap()[0].as_bool().unwrap());
    assert_eq!(
        run::<calculate>(json!({"expression": "a"}), [("a", Value::uint(u64::MAX))]).unwrap()[0].as_int(),
        Some(u64::MAX.into())
    );
}

#[test]
fn vast_expressions_end_in_words() {
    let deep = |open: &str, close: &str| refused(json!({"expression": open.repeat(100) + "1" + &close.repeat(100)}));
    let vast = [
        deep("(", ")"),
        deep("-", ""),
        deep("2^", ""),
        deep("abs(", ")"),
        refused(json!({"expression": "abs".repeat(300)})),
        deep("not ", ""),
        refused(json!({"expression": "1+".repeat(2000)})),
    ];
    assert_snapshot!(vast.join("\n"), @"
        expression: expected at most 50 brackets and signs inside each other, got more; use several nodes
        expression: expected at most 50 brackets and signs inside each other, got more; use several nodes
        expression: expected at most 50 brackets and signs inside each other, got more; use several nodes
        expression: expected at most 50 brackets and signs inside each other, got more; use several nodes
        expression: expected a name of an input (a, b, c, d), `pi`, `true`, `false` or a function (abs, ceil, cos, exp, floor, log, max, min, round, sin, sqrt), got a long name at character 1
        expression: expected at most 50 brackets and signs inside each other, got more; use several nodes
        expression: expected at most 1000 characters, got 4000; use several nodes
        ");
    assert_eq!(number(&("1+".repeat(499) + "1")), json!(500));
}
