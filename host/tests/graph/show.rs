//! Drawings, prompts and the schema.

use super::{LOAD, SAVE, closures::declared, parse};
use splatgraph::graph::{draw, schema};

fn text() -> String {
    format!(
        r#"{{"title": "T", "inputs": {{"image": "load.path"}}, "outputs": {{"text": ["no <te> #1", 0]}}, "nodes": {{{LOAD},
        "no <te> #1": {{"class_type": "std.Note", "inputs": {{"any": ["load", 1]}}}},
        "grid": {{"class_type": "std.Grid", "inputs": {{"images": [["load", 0], ["gone", "\"x\""]]}}}},
        {SAVE}}}}}"#
    )
}

#[test]
fn a_drawing() {
    let file = parse(&text()).unwrap();
    insta::assert_snapshot!(draw(&file, Some(&declared())), @r#"
    flowchart LR
        n0["load<br/>std.LoadImage"]
        n1["no #lt;te#gt; #35;1<br/>std.Note"]
        n2["grid<br/>std.Grid"]
        n3[["save<br/>std.SaveImage"]]
        n0 -- "mask → any" --> n1
        n0 -- "image → images" --> n2
        n0 -- "image" --> n3
        i0(["image"])
        i0 -. "path" .-> n0
        o0(["text"])
        n1 -. "text" .-> o0
    "#);
    insta::assert_snapshot!(draw(&file, None).lines().nth(5).unwrap(), @r#"    n0 -- "1 → any" --> n1"#);
}

#[test]
fn a_prompt_has_full_names_and_positions() {
    let file = parse(&text().replace("std.LoadImage", "LoadImage")).unwrap();
    insta::assert_snapshot!(serde_json::to_string_pretty(&file.to_prompt(&declared())).unwrap(), @r#"
    {
      "load": {
        "class_type": "std.LoadImage",
        "inputs": {
          "path": "cat.png"
        }
      },
      "no <te> #1": {
        "class_type": "std.Note",
        "inputs": {
          "any": [
            "load",
            1
          ]
        }
      },
      "grid": {
        "class_type": "std.Grid",
        "inputs": {
          "images": [
            [
              "load",
              0
            ],
            [
              "gone",
              "\"x\""
            ]
          ]
        }
      },
      "save": {
        "class_type": "std.SaveImage",
        "inputs": {
          "image": [
            "load",
            0
          ],
          "path": "out.png"
        }
      }
    }
    "#);
}

#[test]
fn the_schema_of_a_class() {
    let schema = schema(&declared());
    insta::assert_snapshot!(schema["$defs"]["node"]["properties"], @r##"{"class_type":{"anyOf":[{"type":"string","enum":["std.LoadImage","std.SaveImage","std.Resize","std.Grid","std.Split","std.Note","tokenize.LoadTokenizer","tokenize.InitTokens","tokenize.DrawTokens"],"enumDescriptions":["Reads a picture.","","","","","","","",""]},{"type":"string","pattern":"\\.json$","description":"The path of another graph."}]},"inputs":{"type":"object"},"each":{"type":"object","description":"Runs the graph for each element of lists, or for each picture of a batch. Its outputs become lists.","required":["over"],"properties":{"over":{"description":"The named inputs that take one element in each pass.","anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"},"minItems":1}]},"cross":{"type":"boolean","default":false,"description":"Takes each element of a list with each of the others; the last list changes fastest."},"limit":{"type":"integer","minimum":1,"description":"The most passes."},"keep_going":{"type":"boolean","default":false,"description":"Leaves passes that fail out of the lists."},"index":{"type":"string","description":"The named input that gets the number of the pass, from 0."}},"additionalProperties":false},"fold":{"type":"object","description":"Runs the graph several times; values go from one pass to the next. Its outputs are those of the last pass.","required":["carry","times"],"properties":{"carry":{"type":"object","description":"Named inputs, each with the named output whose value it has in the next pass.","additionalProperties":{"type":"string"},"minProperties":1},"times":{"type":"integer","minimum":1,"maximum":1000000,"description":"The most passes."},"until":{"type":"string","description":"The named output that ends it once it is true."},"collect":{"description":"The named outputs that are lists of the values of all passes.","anyOf":[{"type":"string"},{"type":"array","items":{"type":"string"},"minItems":1}]},"index":{"type":"string","description":"The named input that gets the number of the pass, from 0."}},"additionalProperties":false},"graph":{"$ref":"#","description":"The graph that `each` or `fold` repeats, instead of a file."}}"##);
    let branches = schema["$defs"]["node"]["allOf"].as_array().unwrap();
    let of = |class: &str| {
        let branch = branches.iter().find(|branch| branch["if"]["properties"]["class_type"]["const"] == class).unwrap();
        serde_json::to_string_pretty(&branch["then"]).unwrap()
    };
    insta::assert_snapshot!(of("std.Resize"), @r##"
    {
      "properties": {
        "inputs": {
          "type": "object",
          "properties": {
            "image": {
              "description": "IMAGE",
              "anyOf": [
                {
                  "$ref": "#/$defs/link"
                }
              ]
            },
            "width": {
              "description": "INT",
              "anyOf": [
                {
                  "type": "integer",
                  "minimum": 1,
                  "maximum": 65536
                },
                {
                  "$ref": "#/$defs/link"
                }
              ]
            },
            "fit": {
              "description": "STRING",
              "anyOf": [
                {
                  "type": "string",
                  "enum": [
                    "fill",
                    "fit",
                    "stretch"
                  ],
                  "enumDescriptions": [
                    "Scales and crops.",
                    "",
                    ""
                  ]
                },
                {
                  "$ref": "#/$defs/link"
                }
              ],
              "default": "fill"
            }
          },
          "required": [
            "image",
            "width"
          ],
          "patternProperties": {
            "^[_$]": true
          },
          "additionalProperties": false
        }
      },
      "required": [
        "inputs"
      ]
    }
    "##);
    insta::assert_snapshot!(of("std.Grid"), @r##"
    {
      "properties": {
        "inputs": {
          "type": "object",
          "properties": {
            "images": {
              "description": "list of IMAGE",
              "anyOf": [
                {
                  "$ref": "#/$defs/link"
                },
                {
                  "$ref": "#/$defs/links"
                }
              ]
            },
            "weights": {
              "description": "list of FLOAT",
              "anyOf": [
                {
                  "$ref": "#/$defs/link"
                },
                {
                  "$ref": "#/$defs/links"
                },
                {
                  "type": "object",
                  "properties": {
                    "__value__": {
                      "type": "array",
                      "items": {
                        "anyOf": [
                          {
                            "type": "number"
                          }
                        ]
                      }
                    }
                  },
                  "required": [
                    "__value__"
                  ]
                },
                {
                  "type": "null"
                }
              ]
            }
          },
          "required": [
            "images"
          ],
          "patternProperties": {
            "^[_$]": true
          },
          "additionalProperties": false
        }
      },
      "required": [
        "inputs"
      ]
    }
    "##);
    insta::assert_snapshot!(of("tokenize.LoadTokenizer"), @r##"
    {
      "properties": {
        "inputs": {
          "type": "object",
          "properties": {
            "model": {
              "description": "STRING",
              "anyOf": [
                {
                  "type": "string",
                  "minLength": 1,
                  "examples": [
                    "small"
                  ]
                },
                {
                  "$ref": "#/$defs/link"
                }
              ],
              "default": "small"
            }
          },
          "required": [],
          "patternProperties": {
            "^[_$]": true
          },
          "additionalProperties": false
        }
      }
    }
    "##);
}
