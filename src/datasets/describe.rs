//! What is said of datasets, all of it made of the registry: the page of a dataset, its data package, the DCAT catalogue, the documentation.

use serde_json::{Value, json};

use super::content::Name;
use super::format::{FORMATS, Format};
use super::points::{Points, require_tellable};
use super::registry::{Classification, ColumnType, Dataset, Registry, Variable, registry};
use super::spool::Spooled;
use crate::kernel::{Date, OneOf, PROVINCE, Text};

/// The licence of what anyone may have.
const LICENCE: &str = "https://creativecommons.org/licenses/by/4.0/";
/// Vocabularies of the European Union that DCAT-AP asks for.
const AUTHORITY: &str = "http://publications.europa.eu/resource/authority";

fn classification(variable: &Variable) -> Value {
    match &variable.klasifikasi {
        None => Value::Null,
        Some(Classification::CodeList(list)) => json!({"code_list": list, "href": format!("/v1/codes/{list}")}),
        Some(Classification::Words(words)) => json!({ "words": words }),
    }
}

/// What the registry tells of every column.
fn fields(registry: &Registry, dataset: &Dataset) -> Vec<Value> {
    let field = |(column, variable): (&super::Column, &Variable)| {
        let scale = registry.scale(variable);
        json!({
            "name": column.name, "type": variable.column_type, "required": column.required, "variable": variable.id,
            "title": variable.nama, "konsep": registry.concept(variable), "definisi": variable.definisi,
            "klasifikasi": classification(variable),
            "ukuran": scale.map(|scale| &scale.ukuran), "satuan": scale.map(|scale| &scale.satuan),
        })
    };
    registry.columns(dataset).map(field).collect()
}

/// Where a dataset's file is.
fn data_path(name: &str, format: Format, points: Option<Points>) -> String {
    let points = points.map_or_else(String::new, |points| format!("&{}", points.query()));
    format!("/v1/datasets/{name}/data?format={format}{points}")
}

/// The version of a dataset as of its points: that of the columns, and what of the records it is.
fn version(registry: &Registry, points: Points) -> String {
    format!("{}.0.0+{points}", registry.catalogue.version)
}

/// The page of a dataset.
pub(super) fn page(dataset: &Dataset) -> Value {
    let (registry, name) = (registry(), &dataset.name);
    let files: Vec<_> = FORMATS
        .iter()
        .map(|format| json!({"format": format, "media_type": format.media_type(), "href": data_path(name, *format, None)}))
        .collect();
    json!({
        "name": name, "title": dataset.judul, "description": dataset.keterangan, "keywords": dataset.kata_kunci,
        "schema_version": registry.catalogue.version, "public": dataset.public, "primary_key": dataset.kunci,
        "per_tanggal": dataset.per_tanggal, "notes": registry.catalogue.catatan, "fields": fields(registry, dataset), "files": files,
        "datapackage": format!("/v1/datasets/{name}/datapackage.json"),
    })
}

const fn table_schema_type(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Text => "string",
        ColumnType::Decimal | ColumnType::Money => "number",
        ColumnType::Integer => "integer",
        ColumnType::Boolean => "boolean",
        ColumnType::Date => "date",
        ColumnType::Instant => "datetime",
    }
}

/// The schema of a dataset's CSV as Table Schema v2.
fn table_schema(registry: &Registry, dataset: &Dataset) -> Value {
    let mut described = fields(registry, dataset);
    for (field, (column, variable)) in described.iter_mut().zip(registry.columns(dataset)) {
        field["type"] = json!(table_schema_type(variable.column_type));
        field["title"] = json!(variable.nama.id);
        field["description"] = json!(variable.definisi.id);
        field["constraints"] = json!({ "required": column.required });
        if let Some(Classification::Words(words)) = &variable.klasifikasi {
            field["constraints"]["enum"] = json!(words);
        }
        if let Some(field) = field.as_object_mut() {
            field.remove("required");
        }
    }
    let mut schema = json!({"$schema": "https://datapackage.org/profiles/2.0/tableschema.json", "fields": described,
        "missingValues": [""]});
    if !dataset.kunci.is_empty() {
        schema["primaryKey"] = json!(dataset.kunci);
    }
    schema
}

/// The data package of a dataset's CSV as of its points. `base` is where this service is.
pub(super) fn data_package(dataset: &Dataset, points: Points, csv: &Spooled, base: &str) -> Value {
    let (registry, name) = (registry(), &dataset.name);
    let mut package = json!({
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": name, "title": dataset.judul.id, "description": dataset.keterangan.id,
        "version": version(registry, points),
        "homepage": format!("{base}/v1/datasets/{name}"),
        "keywords": dataset.kata_kunci.iter().map(|word| &word.id).collect::<Vec<_>>(),
        "contributors": [{"title": registry.catalogue.publisher.id, "roles": ["publisher"]}],
        "as_of_position": points.position, "per_tanggal": points.per_tanggal, "row_count": csv.rows,
        "resources": [{
            "name": name, "type": "table", "title": dataset.judul.id,
            "path": format!("{base}{}", data_path(name, Format::Csv, Some(points))),
            "scheme": "http", "format": "csv", "mediatype": "text/csv", "encoding": "utf-8",
            "dialect": {"delimiter": ",", "lineTerminator": "\r\n", "quoteChar": "\"", "doubleQuote": true, "header": true},
            "bytes": csv.bytes, "hash": format!("sha256:{}", csv.sha256_text()),
            "schema": table_schema(registry, dataset),
        }],
    });
    if base.starts_with("https") {
        package["resources"][0]["scheme"] = json!("https");
    }
    if dataset.public {
        package["licenses"] = json!([{"name": "CC-BY-4.0", "path": LICENCE}]);
    }
    package
}

/// A text in both languages.
fn literals(text: &Text) -> Value {
    json!([{"@value": text.id, "@language": "id"}, {"@value": text.en, "@language": "en"}])
}

fn typed(address: impl Into<String>, of_type: &str) -> Value {
    json!({"@id": address.into(), "@type": of_type})
}

fn distribution(dataset: &Dataset, format: Format, points: Option<Points>, base: &str) -> Value {
    let name = &dataset.name;
    let essence = format.media_type().split(';').next().unwrap_or_default();
    let standard = match format {
        Format::Csv => "https://www.rfc-editor.org/rfc/rfc4180",
        Format::Ndjson => "https://github.com/ndjson/ndjson-spec",
        Format::Parquet => "https://parquet.apache.org/docs/file-format/",
    };
    let mut distribution = json!({
        "@id": format!("{base}/v1/datasets/{name}#{format}"),
        "@type": "dcat:Distribution",
        "dct:title": points.map_or_else(|| format!("{name}.{format}"), |points| format!("{name}-{points}.{format}")),
        "dcat:accessURL": typed(format!("{base}/v1/datasets/{name}"), "rdfs:Resource"),
        "dcat:downloadURL": typed(format!("{base}{}", data_path(name, format, points)), "rdfs:Resource"),
        "dcat:accessService": {"@id": format!("{base}/v1/datasets#service")},
        "dct:conformsTo": typed(standard, "dct:Standard"),
        "dct:format": {"@type": "dct:MediaTypeOrExtent", "rdfs:label": essence},
    });
    // What IANA has no page of is named by the format alone.
    if format != Format::Ndjson {
        let address = format!("http://www.iana.org/assignments/media-types/{essence}");
        distribution["dcat:mediaType"] = typed(address, "dct:MediaType");
    }
    if dataset.public {
        distribution["dct:license"] = typed(LICENCE, "dct:LicenseDocument");
    }
    distribution
}

fn dcat_dataset(registry: &Registry, dataset: &Dataset, of: &Of<'_>) -> Value {
    let Of { recorded, points, base } = *of;
    let rights = if dataset.public { "PUBLIC" } else { "RESTRICTED" };
    let mut described = json!({
        "@id": format!("{base}/v1/datasets/{}", dataset.name),
        "@type": "dcat:Dataset",
        "dct:identifier": dataset.name,
        "dct:title": literals(&dataset.judul),
        "dct:description": literals(&dataset.keterangan),
        "dcat:keyword": dataset.kata_kunci.iter().map(literals).filter_map(|it| it.as_array().cloned()).flatten().collect::<Vec<_>>(),
        "dct:publisher": {"@id": format!("{base}/v1/datasets#publisher")},
        "dcat:contactPoint": {"@type": ["vcard:Kind", "vcard:Organization"], "vcard:fn": registry.catalogue.publisher.id},
        "dct:accessRights": typed(format!("{AUTHORITY}/access-right/{rights}"), "dct:RightsStatement"),
        "dct:accrualPeriodicity": typed(format!("{AUTHORITY}/frequency/UPDATE_CONT"), "dct:Frequency"),
        "dcat:theme": {"@id": format!("{AUTHORITY}/data-theme/ECON"), "@type": "skos:Concept",
            "skos:prefLabel": {"@value": "Economy and finance", "@language": "en"}},
        "dct:conformsTo": typed("https://datapackage.org/profiles/2.0/tableschema.json", "dct:Standard"),
        "dct:spatial": {"@type": "dct:Location", "skos:notation": PROVINCE.code(),
            "skos:prefLabel": {"@value": "Kalimantan Timur", "@language": "id"}},
        "dct:language": typed(format!("{AUTHORITY}/language/IND"), "dct:LinguisticSystem"),
        "dcat:version": points.map_or_else(|| registry.catalogue.version.to_string(), |points| version(registry, points)),
        "dcat:distribution": FORMATS.iter().map(|format| distribution(dataset, *format, points, base)).collect::<Vec<_>>(),
    });
    if let Some((first, last)) = recorded {
        let day = |day: Date| json!({"@value": day, "@type": "xsd:date"});
        let end = points.and_then(|points| points.per_tanggal).unwrap_or(last);
        described["dct:temporal"] =
            json!({"@type": "dct:PeriodOfTime", "dcat:startDate": day(first.min(end)), "dcat:endDate": day(end)});
        described["dct:modified"] = day(last);
    }
    described
}

/// What a catalogue is of.
#[derive(Clone, Copy)]
pub(super) struct Of<'a> {
    /// The days of the first and the last event that are known.
    pub recorded: Option<(Date, Date)>,
    /// The points that its files are as of; nothing when they are of whenever they are asked for.
    pub points: Option<Points>,
    /// Where this service is.
    pub base: &'a str,
}

/// The catalogue as DCAT 3 in JSON-LD, with the datasets that can be told as of its points.
pub(super) fn catalogue(of: &Of<'_>) -> Value {
    let (registry, base) = (registry(), of.base);
    let catalogue = &registry.catalogue;
    let per_tanggal = of.points.and_then(|points| points.per_tanggal);
    let tellable =
        |dataset: &&Dataset| Name::parse(&dataset.name).is_some_and(|name| require_tellable(name, per_tanggal).is_ok());
    let publisher = json!({"@id": format!("{base}/v1/datasets#publisher"), "@type": "foaf:Agent",
        "foaf:name": literals(&catalogue.publisher)});
    let datasets: Vec<_> =
        catalogue.dataset.iter().filter(tellable).map(|dataset| dcat_dataset(registry, dataset, of)).collect();
    let served: Vec<_> = datasets.iter().map(|dataset| json!({"@id": dataset["@id"]})).collect();
    let service = json!({
        "@id": format!("{base}/v1/datasets#service"), "@type": "dcat:DataService",
        "dct:title": literals(&catalogue.judul),
        "dcat:endpointURL": typed(format!("{base}/v1"), "rdfs:Resource"),
        "dcat:endpointDescription": typed(format!("{base}/openapi.json"), "rdfs:Resource"),
        "dcat:servesDataset": served,
    });
    json!({
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#", "dct": "http://purl.org/dc/terms/", "foaf": "http://xmlns.com/foaf/0.1/",
            "rdfs": "http://www.w3.org/2000/01/rdf-schema#", "skos": "http://www.w3.org/2004/02/skos/core#",
            "vcard": "http://www.w3.org/2006/vcard/ns#", "xsd": "http://www.w3.org/2001/XMLSchema#"
        },
        "@id": format!("{base}/v1/datasets"),
        "@type": "dcat:Catalog",
        "dct:title": literals(&catalogue.judul),
        "dct:description": literals(&catalogue.keterangan),
        "dct:publisher": publisher,
        "dct:language": typed(format!("{AUTHORITY}/language/IND"), "dct:LinguisticSystem"),
        "dcat:themeTaxonomy": {"@id": format!("{AUTHORITY}/data-theme"), "@type": "skos:ConceptScheme",
            "dct:title": {"@value": "Data theme", "@language": "en"}},
        "dcat:service": service,
        "dcat:dataset": datasets,
    })
}

/// The documentation of all datasets, in Markdown.
pub fn markdown() -> String {
    let registry = registry();
    let catalogue = &registry.catalogue;
    let mut page = format!("# {} / {}\n", catalogue.judul.id, catalogue.judul.en);
    let mut say = |line: &str| {
        page.push_str(line);
        page.push('\n');
    };
    say(
        "\nMade of the registry by `lumbung datasets`; not to be edited here. A worked example of both clocks (`per_tanggal`, `diketahui_pada`) is in",
    );
    say("[ministry.md](ministry.md).\n");
    for note in &catalogue.catatan {
        say(&format!("- {}\n  *{}*", note.id, note.en));
    }
    for dataset in &catalogue.dataset {
        let key = if dataset.kunci.is_empty() { "—".to_owned() } else { format!("`{}`", dataset.kunci.join("`, `")) };
        let (rights_id, rights_en) =
            if dataset.public { ("siapa saja", "anyone") } else { ("menurut hak kunci", "by the rights of the key") };
        say(&format!("\n## `{}` — {} / {}\n", dataset.name, dataset.judul.id, dataset.judul.en));
        say(&format!("{}\n*{}*\n", dataset.keterangan.id, dataset.keterangan.en));
        say(&format!("Akses: {rights_id} / *access: {rights_en}*. Kunci / *key*: {key}.\n"));
        say(&format!("`per_tanggal`: {} / *{}*\n", dataset.per_tanggal.id, dataset.per_tanggal.en));
        say("| kolom | tipe | konsep | definisi | klasifikasi | ukuran, satuan |\n|---|---|---|---|---|---|");
        for (column, variable) in registry.columns(dataset) {
            let classified = match &variable.klasifikasi {
                None => "—".to_owned(),
                Some(Classification::CodeList(list)) => format!("`/v1/codes/{list}`"),
                Some(Classification::Words(words)) => format!("`{}`", words.join("`, `")),
            };
            let scale = registry.scale(variable).map_or_else(String::new, |scale| {
                let (measure, unit) = (&scale.ukuran, &scale.satuan);
                format!("{}, {} / *{}, {}*", measure.id, unit.id, measure.en, unit.en)
            });
            say(&format!(
                "| `{}`{} | {} | {} | {} / *{}* | {classified} | {scale} |",
                column.name,
                if column.required { "" } else { " (boleh kosong)" },
                variable.column_type.word(),
                variable.konsep,
                variable.definisi.id,
                variable.definisi.en,
            ));
        }
    }
    page
}
