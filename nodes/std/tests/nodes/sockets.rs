//! The sockets that graphs rely on: a change here breaks them.

use insta::assert_snapshot;
use splatgraph_pack_std::{
    batch::batch,
    calculate::{calculate, condition},
    compare::compare,
    constants,
    crop::crop,
    ellipse_mask::ellipse_mask,
    error_mask::error_mask,
    field::field,
    format::{format as format_node, join_text},
    grid::grid,
    label::label,
    list_files::list_files,
    lists,
    load_image::load_image,
    load_record::load_record,
    rectangle_mask::rectangle_mask,
    resize::resize,
    resize_mask::resize_mask,
    save_image::save_image,
    save_record::save_record,
    strokes_mask::strokes_mask,
    view::view,
};
use splatgraph_sdk::{Node, spec::NodeSpec};

/// `Name(input TYPE = default, ..) -> output TYPE, ..`
fn line(spec: &NodeSpec) -> String {
    let list = |is_list: bool| if is_list { "[]" } else { "" };
    let inputs = spec.inputs.iter().map(|i| {
        let default = i.default.as_ref().map(|d| format!(" = {d}")).unwrap_or_default();
        format!("{} {}{}{default}", i.name, i.socket, list(i.list))
    });
    let outputs = spec.outputs.iter().map(|o| format!("{} {}{}", o.name, o.socket, list(o.list)));
    let root = if spec.output { " (output)" } else { "" };
    format!(
        "{}({}) -> {}{root}",
        spec.name,
        inputs.collect::<Vec<_>>().join(", "),
        outputs.collect::<Vec<_>>().join(", ")
    )
}

fn specs() -> Vec<NodeSpec> {
    vec![
        load_image::spec(),
        save_image::spec(),
        resize::spec(),
        crop::spec(),
        batch::spec(),
        grid::spec(),
        compare::spec(),
        view::spec(),
        rectangle_mask::spec(),
        ellipse_mask::spec(),
        strokes_mask::spec(),
        error_mask::spec(),
        resize_mask::spec(),
        load_record::spec(),
        save_record::spec(),
        constants::int::spec(),
        constants::float::spec(),
        constants::text::spec(),
        constants::boolean::spec(),
        constants::json::spec(),
        calculate::spec(),
        condition::spec(),
        format_node::spec(),
        join_text::spec(),
        field::spec(),
        lists::list::spec(),
        lists::range::spec(),
        lists::item::spec(),
        lists::length::spec(),
        lists::slice::spec(),
        lists::sort::spec(),
        lists::reverse::spec(),
        list_files::spec(),
        label::spec(),
    ]
}

#[test]
fn sockets_are_as_designed() {
    assert_snapshot!(specs().iter().map(line).collect::<Vec<_>>().join("\n"), @r##"
        LoadImage(path STRING, profile STRING = "convert") -> image IMAGE, mask MASK
        SaveImage(image IMAGE, path STRING, rounding STRING = "round", quality INT = 95) -> path STRING, paths STRING[] (output)
        Resize(image IMAGE, width INT, height INT, fit STRING = "fill", filter STRING = "lanczos") -> image IMAGE
        Crop(image IMAGE, x INT = 0, y INT = 0, width INT, height INT) -> image IMAGE
        Batch(images IMAGE[]) -> image IMAGE
        Grid(images IMAGE[], columns INT = 0, gap INT = 8, background FLOAT = 1.0) -> image IMAGE
        Compare(a IMAGE, b IMAGE, error_gain FLOAT = 4.0, mask MASK, convention STRING = "gaussian", border INT = 0) -> psnr FLOAT, ssim FLOAT, each JSON, picture IMAGE, squared_error FLOAT, psnr_of_mean_error FLOAT, about JSON
        View(value *, field STRING = "", channel INT = -1, colours STRING = "viridis") -> image IMAGE
        RectangleMask(image IMAGE, x FLOAT = 0.0, y FLOAT = 0.0, width FLOAT, height FLOAT, feather FLOAT = 0.0, canvas_width INT = 0, canvas_height INT = 0) -> mask MASK
        EllipseMask(image IMAGE, x FLOAT, y FLOAT, radius_x FLOAT, radius_y FLOAT, angle FLOAT = 0.0, feather FLOAT = 0.0, canvas_width INT = 0, canvas_height INT = 0) -> mask MASK
        StrokesMask(image IMAGE, strokes JSON, feather FLOAT = 0.0, canvas_width INT = 0, canvas_height INT = 0) -> mask MASK
        ErrorMask(a IMAGE, b IMAGE, radius FLOAT = 8.0) -> mask MASK, error FLOAT
        ResizeMask(mask MASK, width INT, height INT, fit STRING = "fill", filter STRING = "lanczos") -> mask MASK
        LoadRecord(path STRING) -> value *
        SaveRecord(value *, path STRING, dtype STRING = "f32") -> path STRING (output)
        Int(value INT) -> value INT
        Float(value FLOAT) -> value FLOAT
        Text(value STRING) -> value STRING
        Boolean(value BOOLEAN) -> value BOOLEAN
        Json(value JSON) -> value JSON
        Calculate(expression STRING, a INT,FLOAT, b INT,FLOAT, c INT,FLOAT, d INT,FLOAT) -> value INT,FLOAT
        Condition(expression STRING, a INT,FLOAT,BOOLEAN,STRING, b INT,FLOAT,BOOLEAN,STRING, c INT,FLOAT,BOOLEAN,STRING, d INT,FLOAT,BOOLEAN,STRING) -> value BOOLEAN
        Format(template STRING, a *, b *, c *, d *) -> text STRING
        JoinText(texts STRING[], separator STRING = ", ") -> text STRING
        Field(value *, field STRING) -> value *
        List(values *[]) -> list *[]
        Range(start INT,FLOAT = 0, stop INT,FLOAT, step INT,FLOAT, count INT) -> list INT,FLOAT[]
        Item(list *[], index INT = 0) -> value *
        Length(list *[]) -> length INT
        Slice(list *[], start INT = 0, stop INT) -> list *[]
        Sort(list INT,FLOAT,BOOLEAN,STRING[], descending BOOLEAN = false) -> list INT,FLOAT,BOOLEAN,STRING[]
        Reverse(list *[]) -> list *[]
        ListFiles(folder STRING, pattern STRING = "", recursive BOOLEAN = false, limit INT = 0) -> paths STRING[], names STRING[], count INT
        Label(image IMAGE, text STRING, texts STRING[], position STRING = "below", size INT = 20, colour STRING = "#000000", background STRING = "#ffffff", font STRING) -> image IMAGE
        "##);
}

#[test]
fn everything_is_documented() {
    for spec in specs() {
        let helps =
            spec.inputs.iter().map(|i| (&i.name, &i.help)).chain(spec.outputs.iter().map(|o| (&o.name, &o.help)));
        for (name, help) in helps.chain([(&spec.name, &spec.help)]) {
            assert!(!help.trim().is_empty(), "{} {name}", spec.name);
        }
    }
}
