//! Numbers about sets beside the figures of the batches that wrote them.

use crate::{Place, assert_well_formed, done, failed, journal};
use serde_json::{Value as Json, json};

/// A batch of two pictures with two numbers of tokens, which wrote a file of features for each.
fn pictures(place: &Place) {
    let mut lines = Vec::new();
    let mut table = String::from("item,image,tokens,psnr\n");
    for (name, psnr) in [("a", [20, 24]), ("b", [22, 26])] {
        for (tokens, psnr) in [64, 128].into_iter().zip(psnr) {
            let values = json!({"image": format!("in/{name}.png"), "tokens": tokens.to_string(), "convention": "adm"});
            let file = format!("features-{tokens}/{name}.safetensors");
            lines.push(done(&format!("{name}-{tokens}"), values, json!({"psnr": psnr}), &[&file]));
            table += &format!("{name}-{tokens},in/{name}.png,{tokens},{psnr}\n");
        }
    }
    place.write("table/results.csv", &(table + "mean,,,23\nstd,,,2\n"));
    place.write("table/batch.jsonl", &journal(&lines));
}

/// A batch whose items are about folders: each with its inputs and its results.
fn sets(place: &Place, name: &str, items: &[(Json, Json)]) {
    let lines: Vec<Json> = items
        .iter()
        .enumerate()
        .map(|(at, (values, outputs))| done(&at.to_string(), values.clone(), outputs.clone(), &[]))
        .collect();
    let columns: Vec<&String> = items[0].1.as_object().unwrap().keys().collect();
    let mut table = csv(["item", "features"].into_iter().chain(columns.iter().map(|name| name.as_str())));
    for (at, (values, outputs)) in items.iter().enumerate() {
        let text = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let cells = columns.iter().map(|name| text(&outputs[name.as_str()]));
        let row: Vec<String> = [at.to_string(), text(&values["features"])].into_iter().chain(cells).collect();
        table += &csv(row.iter().map(String::as_str));
    }
    place.write(&format!("{name}/sets.csv"), &table);
    place.write(&format!("{name}/batch.jsonl"), &journal(&lines));
}

fn csv<'a>(cells: impl Iterator<Item = &'a str>) -> String {
    let cells: Vec<String> = cells.map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect();
    cells.join(",") + "\n"
}

fn about(convention: &str, pictures: usize) -> String {
    let side = json!({"convention": convention, "weights": "00ff", "pictures": pictures});
    json!({"statistics": side, "reference": side}).to_string()
}

fn set(folder: &str, reference: &str, outputs: Json) -> (Json, Json) {
    (json!({"features": folder, "reference": reference}), outputs)
}

#[test]
fn numbers_about_sets_stand_beside_the_figures_of_their_configuration() {
    let place = Place::new();
    pictures(&place);
    let of = |folder: &str, fid: f64| set(folder, "originals", json!({"rec_fid": fid, "rec_about": about("adm", 2)}));
    sets(&place, "rec", &[of("table/features-64", 1.31), of("table/features-128/", 0.65)]);
    let natural =
        |folder: &str, fid: f64| set(folder, "imagenet.npz", json!({"fid": fid, "about": about("adm", 50_000)}));
    sets(&place, "natural", &[natural("table/features-128", 2.5)]);
    place.write("graphs/beside/paper.csv", "name,tokens,psnr,rec_fid,fid,sfid\nM128,128,24.06,0.65,2.18,3.96\n");
    // The order of the results does not matter.
    let ran = place.run(&["report", "rec", "table", "natural", "--out", "report", "--beside", "M128"]);
    insta::assert_snapshot!(ran.all(), @"
    exit code 0
    --- stdout
    results  tokens  pictures  psnr ↑        rec_fid ↓  fid ↓
    table    64      2         21.00 ± 1.41  1.310      –
    table    128     2         25.00 ± 1.41  0.650      2.500
    M128     128     –         24.06         0.65       2.18
    --- stderr
    wrote report/report.html and 6 files beside it
    ");
    let text = place.read("report/report.md");
    insta::assert_snapshot!(text.split("\n## psnr").next().unwrap(), @r"
    <!-- splatgraph report -->
    # Results of table, rec, natural

    4 items in 2 configurations are measured.

    | results | tokens | pictures | psnr ↑ | rec\_fid ↓ | fid ↓ |
    | --- | --- | ---: | ---: | ---: | ---: |
    | table | 64 | 2 | 21.00 ± 1.41 | 1.310 | – |
    | table | 128 | 2 | 25.00 ± 1.41 | 0.650 | 2.500 |
    | *M128* | *128* | *–* | *24.06* | *0.65* | *2.18* |

    Mean ± sample standard deviation over the pictures of a configuration. Measures of sets have one number for all pictures of a configuration. ↑ higher is better. ↓ lower is better.

    ## Measures of sets

    - rec\_fid. graph: graph.json; reference: originals; rec\_about.statistics.convention: adm; rec\_about.statistics.weights: 00ff; rec\_about.statistics.pictures: 2; rec\_about.reference.convention: adm; rec\_about.reference.weights: 00ff; rec\_about.reference.pictures: 2
    - fid. graph: graph.json; reference: imagenet.npz; about.statistics.convention: adm; about.statistics.weights: 00ff; about.statistics.pictures: 50000; about.reference.convention: adm; about.reference.weights: 00ff; about.reference.pictures: 50000

    ## Figures of others

    - Not measured here: sfid

    ## The same for all

    - convention: adm
    ");
    let start = text.find("## rec\\_fid").unwrap();
    insta::assert_snapshot!(text[start..].split("\n## Tables").next().unwrap(), @r"
    ## rec\_fid ↓

    | results | tokens | rec\_fid |
    | --- | --- | ---: |
    | table | 64 | 1.310 |
    | table | 128 | 0.650 |

    ![rec\_fid over tokens](report-plot-3.svg)

    rec\_fid over tokens.

    ## fid ↓

    | results | tokens | fid |
    | --- | --- | ---: |
    | table | 64 | – |
    | table | 128 | 2.500 |

    ## Worst pictures: the lowest psnr

    | picture | original | tokens = 64 | tokens = 128 |
    | --- | --- | ---: | ---: |
    | a.png | not there | 20.00 | 24.00 |

    ## Best pictures: the highest psnr

    | picture | original | tokens = 64 | tokens = 128 |
    | --- | --- | ---: | ---: |
    | b.png | not there | 22.00 | 26.00 |

    2 pictures are compared by the mean over configurations.
    ");
    let latex = place.read("report/report.tex");
    assert!(latex.contains(r"rec\_about.statistics.convention: adm"), "{latex}");
    let rows = place.read("report/report.csv");
    assert!(rows.contains("table,64,rec_fid,1,0,0,0,1.31,"), "{rows}");
    assert!(rows.contains("rec_about.reference.pictures: 2"), "{rows}");
    assert_well_formed(&place.read("report/report.html"));
    // Of one batch, its name is no column.
    let ran = place.run(&["report", "table", "rec", "--json"]);
    let found: Json = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["inputs"], json!(["tokens"]));
    assert_eq!(found["measures"][1], json!({"name": "rec_fid", "better": "lower", "of_sets": true}));
    assert_eq!(found["configurations"][0]["items"], 2);
    assert_eq!(found["configurations"][1]["summaries"][1]["mean"], 0.65);
    assert_eq!(found["sets"][0]["names"], json!(["rec_fid"]));
}

#[test]
fn files_outside_of_the_folder_of_their_batch_are_found_too() {
    let place = Place::new();
    let far = |tokens: &str| place.path(&format!("work/far/{tokens}/a.safetensors")).display().to_string();
    let line = |tokens: &str| {
        let values = json!({"image": "in/a.png", "tokens": tokens});
        done(&format!("a-{tokens}"), values, json!({"psnr": 20}), &[&far(tokens)])
    };
    place.write("table/batch.jsonl", &journal(&[line("64"), line("128")]));
    place.write("table/t.csv", "item,tokens,psnr\na-64,64,20\na-128,128,20\nmean,,20\nstd,,0\n");
    let of = |folder: &str, fid: f64| set(folder, "real", json!({"fid": fid}));
    sets(&place, "sets", &[of("far/64", 3.0), of("far/128", 2.0)]);
    let ran = place.run(&["report", "table", "sets", "--json", "--out", "report"]);
    let found: Json = serde_json::from_str(&ran.stdout).unwrap();
    let fid = |at: usize| found["configurations"][at]["summaries"][1]["mean"].as_f64();
    assert_eq!([fid(0), fid(1)], [Some(3.0), Some(2.0)]);
}

#[test]
fn two_ways_of_measuring_get_two_columns_and_two_conventions_in_one_are_refused() {
    let place = Place::new();
    pictures(&place);
    let of = |folder: &str, reference: &str, fid: f64, convention: &str| {
        set(folder, reference, json!({"fid": fid, "about": about(convention, 2)}))
    };
    let (few, many) = ("table/features-64", "table/features-128");
    sets(&place, "both", &[of(few, "a", 1.0, "adm"), of(few, "b", 2.0, "adm"), of(many, "a", 3.0, "adm")]);
    let ran = place.run(&["report", "table", "both", "--out", "report"]);
    insta::assert_snapshot!(ran.all(), @"
    exit code 0
    --- stdout
    tokens  pictures  psnr ↑        fid (reference = a) ↓  fid (reference = b) ↓
    64      2         21.00 ± 1.41  1.000                  2.000
    128     2         25.00 ± 1.41  3.000                  –
    --- stderr
    wrote report/report.html and 6 files beside it
    ");
    // Each configuration has a reference of its own, as pictures of two sizes have.
    sets(&place, "own", &[of(few, "a", 1.0, "adm"), of(many, "b", 3.0, "adm")]);
    let ran = place.run(&["report", "table", "own", "--out", "report", "--quiet"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let text = place.read("report/report.md");
    let start = text.split("\n## psnr").next().unwrap();
    insta::assert_snapshot!(start, @"
    <!-- splatgraph report -->
    # Results of table, own

    4 items in 2 configurations are measured.

    | tokens | pictures | psnr ↑ | fid ↓ |
    | --- | ---: | ---: | ---: |
    | 64 | 2 | 21.00 ± 1.41 | 1.000 |
    | 128 | 2 | 25.00 ± 1.41 | 3.000 |

    Mean ± sample standard deviation over the pictures of a configuration. Measures of sets have one number for all pictures of a configuration. ↑ higher is better. ↓ lower is better.

    ## Measures of sets

    - fid. graph: graph.json; about.statistics.convention: adm; about.statistics.weights: 00ff; about.statistics.pictures: 2; about.reference.convention: adm; about.reference.weights: 00ff; about.reference.pictures: 2

    ## The same for all

    - convention: adm

    ## Different between configurations

    | tokens | reference |
    | --- | --- |
    | 64 | a |
    | 128 | b |
    ");
    sets(&place, "mixed", &[of(few, "a", 1.0, "adm"), of(many, "a", 3.0, "clean-fid")]);
    sets(&place, "again", &[of(few, "a", 1.0, "adm")]);
    sets(&place, "all", &[of("table", "a", 1.0, "adm")]);
    let said = [&["mixed"][..], &["both", "again"], &["all"]].map(|results| {
        let ran = place.run(&[&["report", "table", "--out", "none"], results].concat());
        assert!(ran.stdout.is_empty() && !place.path("work/none").exists());
        format!("{}: {}", ran.code, ran.stderr)
    });
    insta::assert_snapshot!(said.concat(), @"
    2: error: expected one convention in the column `fid`, got two for `about.statistics.convention`: `adm` (tokens = 64) and `clean-fid` (tokens = 128); measure all configurations by one of them, or make a report of each
    2: error: expected one number for `fid (reference = a)` of `tokens = 64`, got two, from `both` and `again`; leave one of them out
    2: error: expected `features` of `all` to be a folder of one configuration, got one with tokens = 64, tokens = 128; let the graph write each configuration into a folder of its own, such as features-{tokens}, or average over what differs
      [DIR]/work/table
    ");
}

#[test]
fn a_set_that_could_not_be_measured_and_numbers_that_are_not_finite_are_named() {
    let place = Place::new();
    pictures(&place);
    sets(&place, "sets", &[set("table/features-64", "a", json!({"fid": "NaN"}))]);
    let values = json!({"features": "table/features-128", "reference": "a"});
    let lines = [
        done("0", json!({"features": "table/features-64", "reference": "a"}), json!({"fid": "NaN"}), &[]),
        failed("1", values, "fid: expected statistics of at least 2 pictures, got fewer"),
    ];
    place.write("sets/batch.jsonl", &journal(&lines));
    let ran = place.run(&["report", "table", "sets", "--out", "report"]);
    insta::assert_snapshot!(ran.all(), @"
    exit code 0
    --- stdout
    tokens  pictures  failed  psnr ↑        fid ↓
    64      2         0       21.00 ± 1.41  –
    128     2         1       25.00 ± 1.41  –
    --- stderr
    fid of the set of tokens = 64 is NaN, and in no figure
    1 failed item; the report names them
    wrote report/report.html and 5 files beside it
    ");
    assert!(place.read("report/report.md").contains("sets 1: fid: expected statistics of at least 2 pictures"));
}

#[test]
fn a_batch_without_numbers_of_its_own_has_rows_if_its_sets_have_some() {
    let place = Place::new();
    let (mut lines, mut table) = (Vec::new(), String::from("item,generator,seed\n"));
    for step in ["000500", "001000", "010000"] {
        for seed in ["0", "1"] {
            let generator = format!("t/g-step-{step}.safetensors");
            let file = format!("{step}/{seed}.safetensors");
            lines.push(done(
                &format!("{step}-{seed}"),
                json!({"generator": generator, "seed": seed}),
                json!({}),
                &[&file],
            ));
            table += &format!("{step}-{seed},{generator},{seed}\n");
        }
    }
    place.write("course/samples.csv", &(table + "mean,,\nstd,,\n"));
    place.write("course/batch.jsonl", &journal(&lines));
    let of = |step: &str, fid: f64| set(&format!("course/{step}"), "real", json!({"fid": fid}));
    sets(&place, "fid", &[of("000500", 90.0), of("001000", 60.0), of("010000", 9.5)]);
    let ran = place.run(&["report", "course", "fid", "--over", "seed", "--out", "report"]);
    insta::assert_snapshot!(ran.all(), @"
    exit code 0
    --- stdout
    generator                    pictures  fid ↓
    t/g-step-000500.safetensors  2         90.00
    t/g-step-001000.safetensors  2         60.00
    t/g-step-010000.safetensors  2         9.50
    --- stderr
    wrote report/report.html and 4 files beside it
    ");
    let text = place.read("report/report.md");
    assert!(text.contains("![fid over the number in generator](report-plot-1.svg)"), "{text}");
    let plot = place.read("report/report-plot-1.svg");
    for tick in ["500", "1000", "10000"] {
        assert!(plot.contains(&format!("\n{tick}\n")), "{plot}");
    }
    // Without the batch that made them, the folders of the sets are the configurations.
    let ran = place.run(&["report", "fid", "--out", "alone", "--quiet"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(place.read("alone/report.md").contains("fid over the number in features"));
}
