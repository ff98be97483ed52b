//! The JSON Schema (draft 7) of the config, made from the table of known keys.

use serde_json::{Map, Value, json};

use super::keys::{Key, NOT_YET, ROOT, Shape, Table};

/// The schema, for editors: completion, checks while typing, a word of help for each key.
pub fn schema() -> Value {
    let mut root = table(&ROOT);
    if let Some(map) = root.as_object_mut() {
        map.insert("$schema".to_owned(), json!("http://json-schema.org/draft-07/schema#"));
        map.insert("title".to_owned(), json!("riverine.toml"));
    }
    root
}

fn table(known: &Table) -> Value {
    let built = known.keys.iter().filter(|k| {
        let path = format!("{}.{}", known.path, k.name);
        !NOT_YET.contains(&path.trim_start_matches('.'))
    });
    let properties: Map<String, Value> = built.map(|k| (k.name.to_owned(), property(k))).collect();
    let mut schema = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    let required: &[&str] = match known.path {
        "source" => &["url"],
        "source.auth" => &["user", "password"],
        _ => &[],
    };
    if !required.is_empty()
        && let Some(map) = schema.as_object_mut()
    {
        map.insert("required".to_owned(), json!(required));
    }
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = shape(key.shape);
    if let Some(map) = schema.as_object_mut() {
        map.insert("description".to_owned(), json!(key.why));
        if let Some(default) = value(key.default) {
            map.insert("default".to_owned(), default);
        }
        if let Some(example) = value(key.example) {
            map.insert("examples".to_owned(), json!([example]));
        }
    }
    schema
}

fn shape(shape: Shape) -> Value {
    match shape {
        Shape::Flag => json!({ "type": "boolean" }),
        Shape::Whole(min, max) => json!({ "type": "integer", "minimum": min, "maximum": max }),
        Shape::Share => json!({ "type": "number", "minimum": 0, "maximum": 1 }),
        Shape::Span => json!({ "type": "string", "pattern": r"^\s*(\d+\s*[wdhms]\s*)+$" }),
        Shape::Size => json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": r"^\s*\d+\s*(B|KiB|K|MiB|M|GiB|G|KB|kB|MB|GB)?\s*$" },
        ] }),
        Shape::Text("an id") => json!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$" }),
        Shape::Text(_) => json!({ "type": "string", "minLength": 1 }),
        Shape::List("an id") => {
            json!({ "type": "array", "items": { "type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$" } })
        }
        Shape::List(_) => json!({ "type": "array", "items": { "type": "string", "minLength": 1 } }),
        Shape::Choice(words) => json!({ "enum": words }),
        Shape::Secret => secret(),
        Shape::Secrets => json!({ "type": "object", "additionalProperties": secret() }),
        Shape::Table(inner) => table(inner),
        Shape::Tables(inner) => json!({ "type": "array", "items": table(inner) }),
    }
}

fn secret() -> Value {
    let from = |name: &str| {
        json!({ "type": "object", "additionalProperties": false, "required": [name],
                "properties": { name: { "type": "string", "minLength": 1 } } })
    };
    json!({ "anyOf": [{ "type": "string", "minLength": 1 }, from("file"), from("env"), from("credential")] })
}

/// A value of the table of keys, which is written as TOML.
fn value(text: &str) -> Option<Value> {
    let document: toml::Table = format!("x = {text}").parse().ok()?;
    serde_json::to_value(document.get("x")?).ok()
}
