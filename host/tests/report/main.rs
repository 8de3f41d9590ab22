//! `splatgraph report`, through the real binary: figures, forms, comparisons and pictures.

mod sets;
#[path = "../support/mod.rs"]
mod support;

use serde_json::{Value as Json, json};
use std::fs;
use support::Place;

/// A table of three pictures with two numbers of tokens, as a batch writes it.
const TABLE: &str = "item,image,tokens,psnr,lpips
a-64,in/a.png,64,20,0.5
a-128,in/a.png,128,24,0.25
b-64,in/b.png,64,22,0.5
b-128,in/b.png,128,24,0.25
c-64,in/c.png,64,27,0.5
c-128,in/c.png,128,24,0.25
mean,,64,23,0.5
std,,64,3.605551275463989,0
mean,,128,24,0.25
std,,128,0,0
mean,,,23.5,0.375
std,,,2.3452078799117149,0.13693063937629152
";

/// A journal with these lines about items.
fn journal(lines: &[Json]) -> String {
    let head = json!({"version": 2, "graph": "graph.json", "sha256": "00"});
    [&head].into_iter().chain(lines).map(|line| format!("{line}\n")).collect()
}

/// An item that is done.
fn done(item: &str, values: Json, outputs: Json, files: &[&str]) -> Json {
    json!({"item": item, "values": values, "status": "done", "files": files, "outputs": outputs, "ms": 1.0})
}

fn failed(item: &str, values: Json, error: &str) -> Json {
    json!({"item": item, "values": values, "status": "failed", "ms": 1.0, "error": error})
}

/// A journal that fits [`TABLE`], with an item that failed.
fn journal_of_table() -> String {
    let mut lines = Vec::new();
    for (name, psnr) in [("a", [20, 24]), ("b", [22, 24]), ("c", [27, 24])] {
        for (tokens, psnr, lpips) in [("64", psnr[0], 0.5), ("128", psnr[1], 0.25)] {
            let values = json!({"image": format!("in/{name}.png"), "tokens": tokens, "model": "small"});
            let outputs = json!({"psnr": psnr, "lpips": lpips});
            lines.push(done(&format!("{name}-{tokens}"), values, outputs, &[&format!("{name}-{tokens}.png")]));
        }
    }
    let values = json!({"image": "in/d.png", "tokens": "64", "model": "small"});
    lines.push(failed("d-64", values, "load (std.LoadImage): expected a picture, got a text"));
    lines.push(json!({"started": "d-128", "key": "00"}));
    journal(&lines)
}

/// A folder `results` with the table and its journal.
fn measured() -> Place {
    let place = Place::new();
    place.write("results/results.csv", TABLE);
    place.write("results/batch.jsonl", &journal_of_table());
    place
}

fn png(place: &Place, name: &str, grey: u8) {
    let path = place.write(name, "");
    let mut encoder = png::Encoder::new(fs::File::create(path).unwrap(), 4, 4);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(&[grey; 16]).unwrap();
}

/// Panics if tags of a page do not close in order, or an attribute has no quotes.
fn assert_well_formed(page: &str) {
    let mut open: Vec<String> = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if let Some(after) = rest.strip_prefix("!--") {
            rest = &after[after.find("-->").expect("a comment ends") + 3..];
            continue;
        }
        let mut quoted = false;
        let end = rest.find(|c| {
            quoted ^= c == '"';
            c == '>' && !quoted
        });
        let end = end.unwrap_or_else(|| panic!("a tag has no end: {:.60}", rest));
        let tag = &rest[..end];
        rest = &rest[end + 1..];
        assert!(!tag.contains('<'), "a tag in a tag: {tag:.60}");
        if tag.starts_with("!DOCTYPE") || tag.ends_with('/') {
            continue;
        }
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "before {rest:.60}");
        } else {
            let name = tag.split_whitespace().next().unwrap().to_owned();
            if name == "style" {
                rest = &rest[rest.find("</style>").unwrap()..];
            }
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<String>::new());
}

#[test]
fn figures_are_those_of_a_calculation_by_hand() {
    // psnr at 64 tokens: 20, 22, 27. Mean 23, squares 9 + 1 + 16 = 26, standard deviation sqrt(26 / 2) = 3.60555. The interval is
    // 4.30265 (t with 2 degrees of freedom) * 3.60555 / sqrt(3) = 8.95668 to both sides.
    let place = measured();
    let ran = place.run(&["report", "results"]);
    insta::assert_snapshot!(ran.all(), @"
    exit code 0
    --- stdout
    tokens  pictures  failed  psnr ↑        lpips ↓
    64      3         1       23.00 ± 3.61  0.5000 ± 0.0000
    128     3         0       24.00 ± 0.00  0.2500 ± 0.0000
    --- stderr
    1 failed item; the report names them
    wrote report/report.html and 7 files beside it
    ");
    insta::assert_snapshot!(place.read("report/report.csv"), @"
    tokens,measure,count,nan,infinite,failed,mean,std,interval_low,interval_high,median,min,max,source
    64,psnr,3,0,0,1,23,3.605551275463989,14.043314104970404,31.956685895029594,22,20,27,
    64,lpips,3,0,0,1,0.5,0,0.5,0.5,0.5,0.5,0.5,
    128,psnr,3,0,0,0,24,0,24,24,24,24,24,
    128,lpips,3,0,0,0,0.25,0,0.25,0.25,0.25,0.25,0.25,
    ");
    insta::assert_snapshot!(place.read("report/report.md"), @"
    <!-- splatgraph report -->
    # Results of results

    6 items in 2 configurations are measured. 1 item failed.

    | tokens | pictures | failed | psnr ↑ | lpips ↓ |
    | --- | ---: | ---: | ---: | ---: |
    | 64 | 3 | 1 | 23.00 ± 3.61 | 0.5000 ± 0.0000 |
    | 128 | 3 | 0 | 24.00 ± 0.00 | 0.2500 ± 0.0000 |

    Mean ± sample standard deviation over the pictures of a configuration. ↑ higher is better. ↓ lower is better.

    ## Failed items

    - d-64: load (std.LoadImage): expected a picture, got a text

    ## The same for all

    - model: small

    ## psnr ↑

    | tokens | pictures | mean | std | 95 % interval of the mean | median | min | max |
    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
    | 64 | 3 | 23.00 | 3.61 | 14.04 to 31.96 | 22.00 | 20.00 | 27.00 |
    | 128 | 3 | 24.00 | 0.00 | 24.00 to 24.00 | 24.00 | 24.00 | 24.00 |

    ![psnr over tokens: means of all pictures, with the 95 % interval of the mean](report-plot-1.svg)

    psnr over tokens: means of all pictures, with the 95 % interval of the mean.

    ![Spread of psnr: boxes hold the middle half, with the median as a line and the mean as a dot; lines end at min and max](report-plot-2.svg)

    Spread of psnr: boxes hold the middle half, with the median as a line and the mean as a dot; lines end at min and max.

    ## lpips ↓

    | tokens | pictures | mean | std | 95 % interval of the mean | median | min | max |
    | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
    | 64 | 3 | 0.5000 | 0.0000 | 0.5000 to 0.5000 | 0.5000 | 0.5000 | 0.5000 |
    | 128 | 3 | 0.2500 | 0.0000 | 0.2500 to 0.2500 | 0.2500 | 0.2500 | 0.2500 |

    ![lpips over tokens: means of all pictures, with the 95 % interval of the mean](report-plot-3.svg)

    lpips over tokens: means of all pictures, with the 95 % interval of the mean.

    ![Spread of lpips: boxes hold the middle half, with the median as a line and the mean as a dot; lines end at min and max](report-plot-4.svg)

    Spread of lpips: boxes hold the middle half, with the median as a line and the mean as a dot; lines end at min and max.

    ## Worst pictures: the lowest psnr

    | picture | original | tokens = 64 | tokens = 128 |
    | --- | --- | ---: | ---: |
    | a.png | not there | 20.00 | 24.00 |
    | b.png | not there | 22.00 | 24.00 |

    ## Best pictures: the highest psnr

    | picture | original | tokens = 64 | tokens = 128 |
    | --- | --- | ---: | ---: |
    | c.png | not there | 27.00 | 24.00 |

    3 pictures are compared by the mean over configurations.

    ## Tables

    - results: results/results.csv, graph graph.json; 6 items
    ");
    insta::assert_snapshot!(place.read("report/report.tex"), @r"
    % splatgraph report: \input this file; it needs \usepackage{booktabs}
    % d-64: load (std.LoadImage): expected a picture, got a text
    \begin{table}
    \centering
    \caption{Results of results. Mean $\pm$ sample standard deviation over the pictures of a configuration. $\uparrow$ higher is better. $\downarrow$ lower is better. The same for all: model: small.}
    \label{tab:report}
    \begin{tabular}{lrrrr}
    \toprule
    tokens & pictures & failed & psnr $\uparrow$ & lpips $\downarrow$ \\
    \midrule
    64 & 3 & 1 & 23.00 $\pm$ 3.61 & 0.5000 $\pm$ 0.0000 \\
    128 & 3 & 0 & 24.00 $\pm$ 0.00 & 0.2500 $\pm$ 0.0000 \\
    \bottomrule
    \end{tabular}
    \end{table}
    \begin{table}
    \centering
    \caption{Results of results: psnr.}
    \label{tab:report-1}
    \begin{tabular}{lrrrrrrr}
    \toprule
    tokens & pictures & mean & std & 95 \% interval of the mean & median & min & max \\
    \midrule
    64 & 3 & 23.00 & 3.61 & 14.04 to 31.96 & 22.00 & 20.00 & 27.00 \\
    128 & 3 & 24.00 & 0.00 & 24.00 to 24.00 & 24.00 & 24.00 & 24.00 \\
    \bottomrule
    \end{tabular}
    \end{table}
    \begin{table}
    \centering
    \caption{Results of results: lpips.}
    \label{tab:report-2}
    \begin{tabular}{lrrrrrrr}
    \toprule
    tokens & pictures & mean & std & 95 \% interval of the mean & median & min & max \\
    \midrule
    64 & 3 & 0.5000 & 0.0000 & 0.5000 to 0.5000 & 0.5000 & 0.5000 & 0.5000 \\
    128 & 3 & 0.2500 & 0.0000 & 0.2500 to 0.2500 & 0.2500 & 0.2500 & 0.2500 \\
    \bottomrule
    \end{tabular}
    \end{table}
    ");
    let page = place.read("report/report.html");
    assert_well_formed(&page);
    for words in ["23.00 ± 3.61", "14.04 to 31.96", "d-64: load (std.LoadImage)", "<dt>model</dt><dd>small</dd>"] {
        assert!(page.contains(words), "{words}");
    }
    assert_eq!(page.matches("<svg ").count(), 4);
    for outside in ["http://", "https://", "<script", "@import", "url("] {
        let found = page.replace("http://www.w3.org/2000/svg", "").contains(outside);
        assert!(!found, "{outside}");
    }
}

#[test]
fn a_report_of_a_batch_knows_failed_items_and_parts() {
    let place = Place::with_stub();
    let graph = json!({
        "inputs": { "file": "read.path", "b": "ratio.b" },
        "outputs": { "letters": ["letters", "letters"], "ratio": ["ratio", "ratio"], "text": ["read", "text"] },
        "nodes": {
            "read": {"class_type": "stub.ReadText", "inputs": {"path": "none.txt"}},
            "letters": {"class_type": "stub.Letters", "inputs": {"text": ["read", "text"]}},
            "ratio": {"class_type": "stub.Ratio", "inputs": {"a": 1, "b": 1}},
        },
    });
    place.write("graph.json", &graph.to_string());
    for name in ["a", "bcd", "ef"] {
        place.write(&format!("in/{name}.txt"), name);
    }
    place.write("files.csv", "file\nin/a.txt\nin/bcd.txt\nin/ef.txt\nin/none.txt\n");
    for part in ["1/2", "2/2"] {
        let ran = place.run(&[
            "batch",
            "graph.json",
            "file=@files.csv",
            "b=2,4",
            "--out",
            "out",
            "--table",
            "all.csv",
            "--part",
            part,
            "--quiet",
        ]);
        assert_eq!(ran.code, 1, "{}", ran.stderr);
    }
    let ran = place.run(&["report", "out", "--over", "file", "--lower", "letters"]);
    insta::assert_snapshot!(ran.all(), @"
    exit code 0
    --- stdout
    b  pictures  failed  letters ↓      ratio
    2  3         1       2.000 ± 1.000  0.5000 ± 0.0000
    4  3         1       2.000 ± 1.000  0.2500 ± 0.0000
    --- stderr
    texts that differ from item to item are left out: text
    2 failed items; the report names them
    wrote report/report.html and 7 files beside it
    ");
    assert!(place.read("report/report.md").contains("none-2"));
    // Without the other part, the report says so.
    fs::remove_file(place.path("work/out/all-2-of-2.csv")).unwrap();
    let ran = place.run(&["report", "out", "--over", "file", "--out", "half"]);
    assert!(ran.stderr.contains("the batch has 2 parts, and no table of 2"), "{}", ran.stderr);
}

#[test]
fn a_table_without_its_journal_is_enough() {
    let place = Place::new();
    place.write("copied/results.csv", TABLE);
    let ran = place.run(&["report", "copied/results.csv"]);
    insta::assert_snapshot!(ran.all(), @"
    exit code 0
    --- stdout
    tokens  pictures  psnr ↑        lpips ↓
    64      3         23.00 ± 3.61  0.5000 ± 0.0000
    128     3         24.00 ± 0.00  0.2500 ± 0.0000
    --- stderr
    copied: no journal of its batch lies beside it, so files and failed items are unknown
    wrote copied/report/report.html and 7 files beside it
    ");
    assert!(place.read("copied/report/report.md").contains("14.04 to 31.96"));
}

#[test]
fn figures_of_a_paper_are_put_beside() {
    let place = measured();
    place.write("graphs/beside/paper.csv", "name,tokens,psnr,lpips,rfid,source\nM128,128,24.06,.080,0.65,\"a paper, Table 1\"\nL256,256,28.81,.043,0.22,\n");
    place.write("own.csv", "name,PSNR,note\nours,25.5,\nlast year,23.1,other photos\n");
    let ran = place.run(&["report", "now=results", "--beside", "M128", "--beside", "own.csv:last year", "--quiet"]);
    assert_eq!(ran.all(), "exit code 0\n--- stdout\n--- stderr\n");
    let text = place.read("report/report.md");
    let start = text.split("\n## Notes").next().unwrap();
    insta::assert_snapshot!(start.split("\n## Failed").next().unwrap(), @"
    <!-- splatgraph report -->
    # Results of now

    6 items in 2 configurations are measured. 1 item failed.

    | results | tokens | pictures | failed | psnr ↑ | lpips ↓ |
    | --- | --- | ---: | ---: | ---: | ---: |
    | now | 64 | 3 | 1 | 23.00 ± 3.61 | 0.5000 ± 0.0000 |
    | now | 128 | 3 | 0 | 24.00 ± 0.00 | 0.2500 ± 0.0000 |
    | *M128* | *128* | *–* | *–* | *24.06* | *.080* |
    | *last year* | *–* | *–* | *–* | *23.1* | *–* |

    Mean ± sample standard deviation over the pictures of a configuration. ↑ higher is better. ↓ lower is better.

    ## Figures of others

    - M128. source: a paper, Table 1
    - last year. note: other photos
    - Not measured here: rfid
    ");
    assert!(place.read("report/report-plot-1.svg").contains("M128"));
    let ran = place.run(&["report", "results", "--beside", "own.csv", "--json"]);
    let found: Json = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["beside"][0]["numbers"], json!([25.5, null]));
    assert_eq!(found["configurations"][0]["summaries"][0]["median"], 22.0);
    assert_eq!(found["configurations"][0]["failed"][0]["item"], "d-64");
    assert_eq!(found["measures"][1]["better"], "lower");
    place.write("bad.csv", "name,psnr\nx,about 20\n");
    place.write("other.csv", "name,fid\nx,3\n");
    place.write("nameless.csv", "psnr\n3\n");
    let said = ["M129", "none.csv", "own.csv:ourz", "bad.csv", "other.csv", "nameless.csv"].map(|asked| {
        let ran = place.run(&["report", "results", "--beside", asked]);
        assert_eq!(ran.code, 2);
        ran.stderr
    });
    insta::assert_snapshot!(said.concat(), @"
    error: expected the name of a row of figures that came with the program, got `M129`; did you mean `M128`?
    error: expected figures beside ours, got no file `none.csv`; name a CSV file whose first column is `name`, or FILE:NAME for one of its rows
    error: expected the name of a row of figures in own.csv, got `ourz`; did you mean `ours`?
    error: expected a number for `psnr` of `x`, got `about 20`; correct it or leave it empty
      [DIR]/work/bad.csv
    error: expected a number of `x` for a measure of the results (psnr, lpips), got none; name columns as the measures
      [DIR]/work/other.csv
    error: expected `name` as the first column of figures, got `psnr`; write a line with the names of the columns, such as name,psnr,ssim,source
      [DIR]/work/nameless.csv
    ");
}

/// A place with two results whose texts are given.
fn with_texts(one: &str, other: &str) -> Place {
    let place = Place::new();
    for (name, text, psnr) in [("one", one, 20.5), ("other", other, 30.5)] {
        let values = json!({"image": "in/a.png", "model": name});
        let outputs = json!({"psnr": psnr, "about": text});
        place.write(&format!("{name}/batch.jsonl"), &journal(&[done("a", values, outputs, &[])]));
        let text = text.replace('"', "\"\"");
        place.write(&format!("{name}/t.csv"), &format!("item,psnr,about\na,{psnr},\"{text}\"\nmean,{psnr},\nstd,,\n"));
    }
    place
}

#[test]
fn conventions_are_shown_and_two_of_them_are_not_compared() {
    let place = with_texts(
        r#"{"convention":"adm","weights":"00ff","count":50}"#,
        r#"{"convention":"adm","weights":"00ff","count":60}"#,
    );
    assert_eq!(place.run(&["report", "one", "other", "--quiet"]).code, 0);
    let text = place.read("report/report.md");
    insta::assert_snapshot!(text.split("\n## psnr").next().unwrap(), @"
    <!-- splatgraph report -->
    # Results of one, other

    2 items in 2 configurations are measured.

    | results | model | pictures | psnr ↑ |
    | --- | --- | ---: | ---: |
    | one | one | 1 | 20.50 |
    | other | other | 1 | 30.50 |

    Mean ± sample standard deviation over the pictures of a configuration. ↑ higher is better.

    ## The same for all

    - about.convention: adm
    - about.weights: 00ff

    ## Different between configurations

    | results | model | about.count |
    | --- | --- | --- |
    | one | one | 50 |
    | other | other | 60 |
    ");
    let place = with_texts(r#"{"convention":"adm"}"#, r#"{"convention":"clean-fid"}"#);
    let ran = place.run(&["report", "one", "other"]);
    insta::assert_snapshot!(ran.all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected one convention in a comparison, got two for `about.convention`: `adm` (results = one, model = one) and `clean-fid` (results = other, model = other); make a report of each
    ");
    assert!(!place.path("work/report").exists());
    place.write("paper.csv", "name,psnr,about.convention\nP,20,clean-fid\n");
    let ran = place.run(&["report", "one", "--beside", "paper.csv"]);
    assert!(
        ran.stderr.contains("two for `about.convention`: `adm` (the results) and `clean-fid` (`P`)"),
        "{}",
        ran.stderr
    );
}

#[test]
fn odd_numbers_are_counted_and_named() {
    let place = Place::new();
    place.write(
        "r/t.csv",
        "item,image,psnr,fid,zero\na,a.png,inf,1,0\nb,b.png,20,NaN,0\nc,c.png,22,NaN,0\nmean,,inf,NaN,0\nstd,,NaN,NaN,0\n",
    );
    place.write("s/t.csv", "item,image,psnr,extra\na,a.png,1e-9,7\nmean,,1e-9,7\nstd,,,\n");
    let ran = place.run(&["report", "r", "s"]);
    insta::assert_snapshot!(ran.all(), @"
    exit code 0
    --- stdout
    results  pictures  psnr ↑    fid ↓  zero   extra
    r        3         ∞         1.000  0 ± 0  –
    s        1         1.000e−9  –      –      7.000
    --- stderr
    r: no journal of its batch lies beside it, so files and failed items are unknown
    s: no journal of its batch lies beside it, so files and failed items are unknown
    psnr of a is ∞
    fid of b is NaN, and in no figure
    fid of c is NaN, and in no figure
    wrote report/report.html and 4 files beside it
    ");
    insta::assert_snapshot!(place.read("report/report.csv"), @"
    results,measure,count,nan,infinite,failed,mean,std,interval_low,interval_high,median,min,max,source
    r,psnr,3,0,1,0,inf,,,,22,20,inf,
    r,fid,1,2,0,0,1,,,,1,1,1,
    r,zero,3,0,0,0,0,0,0,0,0,0,0,
    r,extra,0,0,0,0,,,,,,,,
    s,psnr,1,0,0,0,0.000000001,,,,0.000000001,0.000000001,0.000000001,
    s,fid,0,0,0,0,,,,,,,,
    s,zero,0,0,0,0,,,,,,,,
    s,extra,1,0,0,0,7,,,,7,7,7,
    ");
    assert_well_formed(&place.read("report/report.html"));
}

#[test]
fn texts_of_others_are_only_shown() {
    let place = Place::new();
    let evil = r#"<script>alert("1")</script>&\input{x}$|_%#[a](b)=1+2"#;
    let picture = format!("{evil}.png");
    let values = json!({"image": picture, evil: evil, "n": "1"});
    let other = json!({"image": picture, evil: "=1+2", "n": "2"});
    let outputs = json!({"<b>psnr</b>|": 20.5, "te\u{1b}xt": evil});
    let lines = [
        done("a", values.clone(), outputs.clone(), &[]),
        done("b", other, outputs, &[]),
        failed(evil, values, "<b>broken</b>\nsecond line"),
    ];
    place.write("r/batch.jsonl", &journal(&lines));
    let quoted = evil.replace('"', "\"\"");
    let head = format!("item,\"{quoted}\",n,<b>psnr</b>|,te\u{1b}xt");
    place.write(
        "r/t.csv",
        &format!("{head}\na,\"{quoted}\",1,20.5,\"{quoted}\"\nb,'=1+2,2,20.5,\"{quoted}\"\nmean,,,20.5,\nstd,,,0,\n"),
    );
    let ran = place.run(&["report", "<script>x</script>=r", "--over", "image"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let page = place.read("report/report.html");
    assert_well_formed(&page);
    assert!(!page.contains("<script") && !page.contains("<b>") && page.contains("&lt;script&gt;"));
    assert_well_formed(&place.read("report/report-plot-1.svg"));
    let text = place.read("report/report.md");
    assert!(!text.contains("<script") && !text.contains("<b>") && !text.contains("[a](b)"));
    let csv = place.read("report/report.csv");
    assert!(csv.contains("'=1+2") && !csv.contains(",=1+2"), "{csv}");
    let latex = place.read("report/report.tex");
    assert!(latex.contains(r"\textbackslash{}input\{x\}\$\textbar{}\_\%\#"), "{latex}");
    assert!(!latex.lines().any(|line| !line.starts_with('%') && line.contains(r"\input{x}")), "{latex}");
    assert!(!page.contains('\u{1b}') && page.contains(r"te\u{1b}xt"));
}

#[test]
fn the_worst_and_best_pictures_are_in_the_page() {
    let place = measured();
    for (name, grey) in [("a", 10), ("b", 20)] {
        png(&place, &format!("in/{name}.png"), grey);
    }
    png(&place, "results/a-64.png", 30);
    place.write("results/a-128.png", "no picture");
    let ran = place.run(&["report", "results", "--pictures", "1"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let page = place.read("report/report.html");
    assert_well_formed(&page);
    // The worst is `a`; its original and its first result are pictures, and the second is only named. `c` has no files.
    assert_eq!(page.matches("<img src=\"data:image/png;base64,").count(), 2);
    assert!(page.contains("<a href=\"../results/a-128.png\">a-128.png</a>24.00"));
    assert!(page.contains("<td class=\"word\">c.png</td><td><span class=\"soft\">not there</span></td><td>27.00</td>"));
    let text = place.read("report/report.md");
    let start = text.find("## Worst pictures").unwrap();
    insta::assert_snapshot!(&text[start..], @r#"
    ## Worst pictures: the lowest psnr

    | picture | original | tokens = 64 | tokens = 128 |
    | --- | --- | ---: | ---: |
    | a.png | <img src="../in/a.png" width="192"> | <img src="../results/a-64.png" width="192"> 20.00 | <img src="../results/a-128.png" width="192"> 24.00 |

    ## Best pictures: the highest psnr

    | picture | original | tokens = 64 | tokens = 128 |
    | --- | --- | ---: | ---: |
    | c.png | not there | 27.00 | 24.00 |

    3 pictures are compared by the mean over configurations.

    ## Tables

    - results: results/results.csv, graph graph.json; 6 items
    "#);
    let ran = place.run(&["report", "results", "--pictures", "0", "--quiet"]);
    assert_eq!(ran.code, 0);
    assert!(!place.read("report/report.md").contains("pictures: the"));
}

#[test]
fn thousands_of_configurations_have_rows_and_few_plots() {
    let place = Place::new();
    let rows: String = (0..3000).map(|n| format!("x-{n},{n},w{n},{}\n", n % 7)).collect();
    place.write("r/t.csv", &format!("item,tokens,word,psnr\n{rows}mean,,,3\nstd,,,2\n"));
    let ran = place.run(&["report", "r", "--quiet"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(place.read("report/report.csv").lines().count(), 3001);
    assert!(place.read("report/report.md").contains("3000 items in 3000 configurations are measured"));
    assert_well_formed(&place.read("report/report.html"));
}

#[test]
fn an_earlier_report_is_replaced_and_files_of_others_are_not() {
    let place = measured();
    assert_eq!(place.run(&["report", "results", "--quiet"]).code, 0);
    assert!(place.path("work/report/report-plot-4.svg").exists());
    let less: String = TABLE.lines().map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n").collect();
    place.write("less/t.csv", &less);
    assert_eq!(place.run(&["report", "less", "--quiet"]).code, 0);
    let mut names: Vec<_> = fs::read_dir(place.path("work/report"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["report-plot-1.svg", "report-plot-2.svg", "report.csv", "report.html", "report.md", "report.tex"]
    );
    place.write("report/report.tex", "my own text");
    let before = place.read("report/report.html");
    insta::assert_snapshot!(place.run(&["report", "results"]).all(), @"
    exit code 2
    --- stdout
    --- stderr
    error: expected a report of this program to replace, got another file
      [DIR]/work/report/report.tex
      --out names another folder
    ");
    assert_eq!((place.read("report/report.tex"), place.read("report/report.html")), ("my own text".to_owned(), before));
    place.write("file", "");
    let ran = place.run(&["report", "results", "--out", "file/report"]);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
}

#[test]
fn wrong_results_are_errors_that_say_what_to_do() {
    let place = measured();
    fs::create_dir(place.path("work/empty")).unwrap();
    place.write("other.csv", "name,psnr\na,1\n");
    place.write("short.csv", "item,psnr\na,1,2\n");
    place.write("plain/t.csv", "item,psnr\na,1\n");
    place.write("words/t.csv", "item,image,text\na,a.png,x\nmean,,\nstd,,\n");
    place.write("none/t.csv", "item,psnr\nmean,\nstd,\n");
    place.write("none/batch.jsonl", &journal(&[failed("x", json!({"image": "x.png"}), "it broke")]));
    place.write("torn/t.csv", TABLE);
    place.write("torn/batch.jsonl", &(journal(&[]) + "{\"item\":\n"));
    place.write("text/t.csv", "item,image,psnr\na,a.png,good\nmean,,\nstd,,\n");
    place.write("text/batch.jsonl", &journal(&[done("a", json!({"image": "a.png"}), json!({"psnr": "good"}), &[])]));
    let commands: [&[&str]; 12] = [
        &["missing"],
        &["empty"],
        &["other.csv"],
        &["short.csv"],
        &["plain"],
        &["words"],
        &["none"],
        &["torn"],
        &["results", "text"],
        &["results", "results/results.csv"],
        &["results", "--over", "imag"],
        &["results", "--lower", "letters"],
    ];
    let said = commands.map(|arguments| {
        let ran = place.run(&[&["report"], arguments].concat());
        assert!(ran.stdout.is_empty());
        format!("{}: {}", ran.code, ran.stderr)
    });
    insta::assert_snapshot!(said.concat(), @"
    2: error: expected a folder or a table of a batch, got nothing
      missing
      `splatgraph batch GRAPH NAME=VALUES --table results.csv --out DIR` writes one
    2: error: expected a table of a batch in the folder, got none
      empty
      `splatgraph batch GRAPH NAME=VALUES --table results.csv --out DIR` writes one
    2: error: expected `item` as the first column of a table of a batch, got `name`
      other.csv
      `splatgraph batch GRAPH NAME=VALUES --table results.csv --out DIR` writes one
    2: error: expected 2 cells in line 2, one for each column, got 3
      short.csv
    2: error: expected the mean of all items at the end of the table, or the journal of the batch beside it: without them `psnr` may be an input or a result; name the table as the batch wrote it, or put the journal beside it
      plain/t.csv
    2: error: expected a result that is a number, got none; add one to the `outputs` of the graph
    2: error: expected a table with an item that is done, got none; every item failed, the first one, `x`, with: it broke; run the batch to its end
      none/t.csv
    1: error: expected an item in line 2 of the journal, got EOF while parsing a value at line 1 column 8; run the batch again in another folder, or remove the line
      [DIR]/work/torn/batch.jsonl
    2: error: expected numbers for `psnr` in `text`, as in `results`, got the text `good`; rename one of the two results in its graph
    2: error: expected each table once, got it twice: results/results.csv; leave one of them out
    2: error: expected the name of an input of the results, got `imag`; did you mean `image`?
    2: error: expected the name of a measure of the results, got `letters`; the measures are: psnr, lpips
    ");
}
