//! Variables: which values the engine takes for which type, what it keeps, and how it shows them.

use std::collections::BTreeMap;

use base64::{
    Engine as _,
    alphabet::STANDARD as STANDARD_ALPHABET,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{date, refusal::Refusal};

/// The longest String, in UTF-16 units: the column of the engine's data base.
const MAX_STRING: usize = 4_000;

/// As Java's decoder reads it: padding may be left out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD_ALPHABET,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Variables by name.
pub(super) type Variables = BTreeMap<String, Variable>;

/// The types that the engine knows, under the names that it answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Null,
    Boolean,
    Short,
    Integer,
    Long,
    Double,
    String,
    Date,
    Bytes,
    File,
    Json,
    Xml,
    Object,
}

/// A variable as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Variable {
    pub(super) kind: Kind,
    /// As the REST interface writes it; of a file its bytes in base64.
    pub(super) value: Value,
    pub(super) info: Map<String, Value>,
}

/// A variable as a request gives it.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Given {
    #[serde(default)]
    value: Value,
    #[serde(default, rename = "type")]
    kind: Option<Value>,
    #[serde(default, rename = "valueInfo")]
    info: Option<Map<String, Value>>,
}

/// The variables of a request.
pub(super) type GivenVariables = Option<BTreeMap<String, Option<Given>>>;

/// Variables of a request whose values are in order.
#[derive(Debug, Default)]
pub(super) struct Checked {
    kept: Variables,
    /// The names of transient ones: nothing here would see their values.
    transient: Vec<String>,
    /// The first that passes the REST layer and cannot be kept, which the engine finds when it is to keep it.
    refused: Option<Refusal>,
}

/// Reads the variables of a request.
pub(super) fn read(given: GivenVariables) -> Result<Checked, Refusal> {
    let mut checked = Checked::default();
    for (name, given) in given.unwrap_or_default() {
        checked.read(name, given.ok_or_else(|| Refusal::null_pointer("variableValueDto"))?)?;
    }
    Ok(checked)
}

/// Reads one variable of a request.
pub(super) fn read_one(name: &str, given: Given) -> Result<Checked, Refusal> {
    let mut checked = Checked::default();
    checked.read(name.to_owned(), given)?;
    Ok(checked)
}

impl Checked {
    fn read(&mut self, name: String, given: Given) -> Result<(), Refusal> {
        let transient = given.info.as_ref().and_then(|info| info.get("transient")) == Some(&Value::Bool(true));
        match Variable::read(&name, given) {
            Ok(_) if transient => self.transient.push(name),
            Ok(variable) => drop(self.kept.insert(name, variable)),
            Err(refusal) if refusal.code.is_none() => return Err(refusal),
            Err(refusal) => self.refused = self.refused.take().or(Some(refusal)),
        }
        Ok(())
    }

    /// Refuses what cannot be kept, and a transient variable in the place of one that is kept.
    pub(super) fn fit(&self, is_kept: impl Fn(&str) -> bool) -> Result<(), Refusal> {
        if let Some(refusal) = &self.refused {
            return Err(refusal.clone());
        }
        let Some(name) = self.transient.iter().find(|name| is_kept(name)) else { return Ok(()) };
        Err(Refusal::internal(
            "ProcessEngineException",
            format!(
                "ENGINE-17006 Cannot set transient variable with name '{name}' to non-transient variable and vice versa."
            ),
        ))
    }

    /// Those that are kept.
    pub(super) fn into_kept(self) -> Variables {
        self.kept
    }
}

impl Variable {
    /// Reads one variable of a request (`VariableValueDto.toTypedValue`).
    fn read(name: &str, given: Given) -> Result<Self, Refusal> {
        let Given { value, kind, info } = given;
        let mut info = info.unwrap_or_default();
        let Some(named) = kind.filter(|kind| !kind.is_null()) else {
            return Self::untyped(value).fitting();
        };
        let named = named.as_str().map_or_else(|| named.to_string(), str::to_owned);
        if matches!(named.as_str(), "Number" | "number") {
            let message = "Cannot serialize value of abstract type number";
            return Err(Refusal::internal("ProcessEngineException", message));
        }
        let kind = Kind::named(&named)
            .ok_or_else(|| Refusal::of_request(400, "RestException", format!("Unsupported value type '{named}'")))?;
        if info.remove("transient").is_some_and(|transient| !transient.is_boolean()) {
            return Err(misfit(&value, &named, kind));
        }
        match kind {
            Kind::File => Self::file(value, info),
            Kind::Json | Kind::Xml | Kind::Object => Self::serialized(name, kind, value, info, &named),
            _ => {
                let value = kind.primitive(&value).ok_or_else(|| misfit(&value, &named, kind))?;
                Self { kind, value, info: Map::new() }.fitting()
            }
        }
    }

    /// The variable, if it fits the data base.
    fn fitting(self) -> Result<Self, Refusal> {
        let text = self.value.as_str().filter(|_| self.kind == Kind::String);
        if text.is_some_and(|text| text.encode_utf16().count() > MAX_STRING) {
            return Err(Refusal::column_too_small());
        }
        Ok(self)
    }

    /// A value without a type gets that of its JSON.
    fn untyped(value: Value) -> Self {
        let kind = match &value {
            Value::Null => Kind::Null,
            Value::Bool(_) => Kind::Boolean,
            Value::Number(number) if number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()) => {
                Kind::Integer
            }
            Value::Number(number) if number.is_i64() => Kind::Long,
            Value::Number(_) => Kind::Double,
            Value::String(_) => Kind::String,
            Value::Array(_) => return Self::java_object("java.util.ArrayList", &value),
            Value::Object(_) => return Self::java_object("java.util.LinkedHashMap", &value),
        };
        Self { kind, value, info: Map::new() }
    }

    /// A real engine keeps these in Java's own serialisation, which only Java can write and read. Here it is JSON.
    fn java_object(class: &str, value: &Value) -> Self {
        let info = json!({"objectTypeName": class, "serializationDataFormat": "application/json"});
        let info = info.as_object().cloned().unwrap_or_default();
        Self { kind: Kind::Object, value: json!(value.to_string()), info }
    }

    fn file(value: Value, info: Map<String, Value>) -> Result<Self, Refusal> {
        let refused = |message: &str| Refusal::of_request(500, "IllegalArgumentException", message);
        if info.is_empty() {
            return Err(refused("Cannot create file without valueInfo."));
        }
        // Numbers are texts, and what has another name is forgotten; the documentation's `mimetype` is one of these.
        let known = ["filename", "mimeType", "encoding"];
        let info: Map<String, Value> = info
            .into_iter()
            .filter(|(key, value)| known.contains(&key.as_str()) && !value.is_null())
            .map(|(key, value)| if value.is_string() { (key, value) } else { (key, json!(value.to_string())) })
            .collect();
        if !info.contains_key("filename") {
            let message = "Cannot create file without filename! Please set a name into ValueInfo with key filename";
            return Err(refused(message));
        }
        let Some(text) = value.as_str() else {
            return Err(refused("Provided value is not of File, InputStream or byte[] type."));
        };
        if BASE64.decode(text).is_err() {
            let wrong = text.bytes().find(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'+' | b'/'));
            return Err(refused(&format!("Illegal base64 character {:x}", wrong.unwrap_or(b'='))));
        }
        Ok(Self { kind: Kind::File, value, info })
    }

    /// Bytes that were uploaded.
    pub(super) fn bytes_of(bytes: &[u8]) -> Self {
        Self { kind: Kind::Bytes, value: json!(BASE64.encode(bytes)), info: Map::new() }
    }

    /// A file that was uploaded.
    pub(super) fn file_of(bytes: &[u8], filename: &str, mime_type: &str) -> Self {
        let info = json!({"filename": filename, "mimeType": mime_type}).as_object().cloned().unwrap_or_default();
        Self { kind: Kind::File, value: json!(BASE64.encode(bytes)), info }
    }

    fn serialized(
        name: &str,
        kind: Kind,
        value: Value,
        info: Map<String, Value>,
        named: &str,
    ) -> Result<Self, Refusal> {
        if !value.is_null() && !value.is_string() {
            let message = format!("Must provide 'null' or String value for value of SerializableValue type '{named}'.");
            return Err(Refusal::invalid(message));
        }
        if kind != Kind::Object {
            return Ok(Self { kind, value, info: Map::new() });
        }
        let text = |key: &str| info.get(key).and_then(Value::as_str);
        if text("serializationDataFormat").is_none() {
            let length =
                value.as_str().map_or_else(|| "null".to_owned(), |text| format!("{} chars", text.chars().count()));
            let class = text("objectTypeName").unwrap_or("null");
            let message = format!(
                "Cannot find serializer for value 'ObjectValue [value=null, isDeserialized=false, \
                 serializationDataFormat=null, objectTypeName={class}, serializedValue={length}, \
                 isTransient=false]'."
            );
            return Err(Refusal::internal("ProcessEngineException", message));
        }
        if text("objectTypeName").is_none() && !value.is_null() {
            let why = "no 'objectTypeName' provided for non-null value.";
            let message = format!("Cannot write serialized value for variable '{name}': {why}");
            return Err(Refusal::internal("ProcessEngineException", message));
        }
        Ok(Self { kind, value, info })
    }

    /// As it is read: a file without its bytes.
    pub(super) fn shown(&self) -> Value {
        let value = if self.kind == Kind::File { &Value::Null } else { &self.value };
        json!({"type": self.kind, "value": value, "valueInfo": self.info})
    }

    /// The content of a file or of bytes; none for any other type.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        match self.kind {
            Kind::File | Kind::Bytes => BASE64.decode(self.value.as_str().unwrap_or_default()).ok(),
            _ => None,
        }
    }

    /// A text of `valueInfo`.
    pub(super) fn info(&self, key: &str) -> Option<&str> {
        self.info.get(key).and_then(Value::as_str)
    }
}

/// A value that is not of its type.
fn misfit(value: &Value, named: &str, kind: Kind) -> Refusal {
    let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let java = kind.java();
    Refusal::invalid(format!("Cannot convert value '{shown}' of type '{named}' to java type {java}"))
}

impl Kind {
    /// The engine lower-cases the first letter only, so that `json` is a type and `JSON` none.
    fn named(name: &str) -> Option<Self> {
        let mut letters = name.chars();
        let capital: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
        serde_json::from_value(Value::String(capital)).ok()
    }

    fn java(self) -> &'static str {
        match self {
            Self::Null => "javax.lang.model.type.NullType",
            Self::Boolean => "java.lang.Boolean",
            Self::Short => "java.lang.Short",
            Self::Integer => "java.lang.Integer",
            Self::Long => "java.lang.Long",
            Self::Double => "java.lang.Double",
            Self::String => "java.lang.String",
            Self::Date => "java.util.Date",
            Self::Bytes => "[B",
            Self::File | Self::Json | Self::Xml | Self::Object => "java.lang.Object",
        }
    }

    /// A value of a type without structure; none if it cannot be one. What is not of the type is read from its text, so
    /// that `"21"` is an Integer and `1` a String; an empty text is null.
    fn primitive(self, value: &Value) -> Option<Value> {
        if value.is_null() {
            return Some(Value::Null);
        }
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Array(_) | Value::Object(_) => return None,
            other => other.to_string(),
        };
        let whole = |min: i64, max: i64| {
            let number = text.trim().parse::<i64>().ok().filter(|number| (min..=max).contains(number));
            number.map(|number| json!(number))
        };
        match self {
            Self::String => Some(Value::String(text)),
            Self::Null => None,
            Self::Bytes => {
                let text: String = value.as_str()?.split_ascii_whitespace().collect();
                BASE64.decode(&text).is_ok().then(|| json!(text))
            }
            _ if text.trim().is_empty() => Some(Value::Null),
            Self::Boolean => match text.as_str() {
                "true" | "True" | "TRUE" => Some(json!(true)),
                "false" | "False" | "FALSE" => Some(json!(false)),
                _ => None,
            },
            Self::Short => whole(i16::MIN.into(), i16::MAX.into()),
            Self::Integer => whole(i32::MIN.into(), i32::MAX.into()),
            Self::Long => whole(i64::MIN, i64::MAX),
            Self::Double => double(value, &text),
            Self::Date => value.as_str().and_then(date::read).map(|date| json!(date.to_string())),
            Self::File | Self::Json | Self::Xml | Self::Object => None,
        }
    }
}

/// A Double. What is no number in JSON is kept as the text that the engine writes for it.
fn double(value: &Value, text: &str) -> Option<Value> {
    match (value.as_f64(), text) {
        (Some(number), _) => Some(json!(number)),
        (None, "NaN" | "Infinity" | "-Infinity") => Some(json!(text)),
        (None, text) => text.trim().parse::<f64>().ok().filter(|number| number.is_finite()).map(|number| json!(number)),
    }
}
