//! A store that speaks S3 over HTTP, in this process; the depot that uses it is in another, which finds it in its
//! environment as in real life.

use super::{GROUP, PARTITION, again, assert_same, load, manifest, place, publish, scenario, wait};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use churnwatch::snapshot::{SnapshotRepository, SnapshotRequest, list, open};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::{Arc, Mutex};

const BUCKET: &str = "/snapshots/";

/// What the store holds and has been asked.
#[derive(Default)]
struct Shelf {
    objects: BTreeMap<String, Vec<u8>>,
    uploads: BTreeMap<String, BTreeMap<u32, Vec<u8>>>,
    /// Kinds of requests answered with an error once, as a busy store does.
    failed: BTreeSet<String>,
    asked: BTreeMap<String, u32>,
}

type Shared = Arc<Mutex<Shelf>>;

async fn serve(
    State(shelf): State<Shared>,
    method: Method,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut shelf = shelf.lock().unwrap();
    let key = uri.path().strip_prefix(BUCKET).unwrap_or("").to_owned();
    let query = query.unwrap_or_default();
    let value = |name: &str| {
        let mut pairs = query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let found = pairs.find(|(key, _)| *key == name);
        found.map(|(_, value)| value.replace("%2F", "/"))
    };
    let kind = match value("list-type")
        .or(value("uploads"))
        .or(value("uploadId"))
    {
        Some(_) if method == Method::GET => "LIST".to_owned(),
        Some(_) => format!("{method} upload"),
        None => method.to_string(),
    };
    *shelf.asked.entry(kind.clone()).or_default() += 1;
    let signed = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    if !signed.is_some_and(|signed| signed.contains("Credential=the-key/")) {
        return (
            StatusCode::FORBIDDEN,
            "<Error><Code>AccessDenied</Code></Error>",
        )
            .into_response();
    }
    if shelf.failed.insert(kind.clone()) {
        return (StatusCode::INTERNAL_SERVER_ERROR, "busy").into_response();
    }
    let tagged = [
        ("etag", "\"tag\""),
        ("last-modified", "Sun, 22 Nov 2026 12:00:00 GMT"),
    ];
    match (kind.as_str(), shelf.objects.get(&key)) {
        ("PUT", _) => {
            shelf.objects.insert(key, body.to_vec());
            tagged.into_response()
        }
        ("GET" | "HEAD", Some(object)) => (tagged, object.clone()).into_response(),
        ("GET" | "HEAD", None) => StatusCode::NOT_FOUND.into_response(),
        ("DELETE", _) => {
            shelf.objects.remove(&key);
            StatusCode::NO_CONTENT.into_response()
        }
        ("LIST", _) => listing(&shelf, &value("prefix").unwrap_or_default()).into_response(),
        ("POST upload", _) => match value("uploadId") {
            None => {
                let id = format!("upload-{}", shelf.uploads.len());
                shelf.uploads.insert(id.clone(), BTreeMap::new());
                format!("<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>").into_response()
            }
            Some(id) => {
                let pieces = shelf.uploads.remove(&id).unwrap();
                let object = pieces.into_values().collect::<Vec<_>>().concat();
                shelf.objects.insert(key, object);
                "<CompleteMultipartUploadResult><ETag>\"tag\"</ETag></CompleteMultipartUploadResult>".into_response()
            }
        },
        ("PUT upload", _) => {
            let number = value("partNumber").unwrap().parse().unwrap();
            let upload = shelf.uploads.get_mut(&value("uploadId").unwrap());
            upload.unwrap().insert(number, body.to_vec());
            tagged.into_response()
        }
        (kind, _) => (StatusCode::NOT_IMPLEMENTED, kind.to_owned()).into_response(),
    }
}

/// What lies directly below a prefix, as `ListObjectsV2` says it.
fn listing(shelf: &Shelf, prefix: &str) -> String {
    let mut xml = String::from("<ListBucketResult>");
    let mut folders = BTreeSet::new();
    for (key, object) in &shelf.objects {
        let Some(rest) = key.strip_prefix(prefix) else {
            continue;
        };
        match rest.split_once('/') {
            Some((folder, _)) => {
                folders.insert(format!("{prefix}{folder}/"));
            }
            None => {
                let size = object.len();
                write!(xml, "<Contents><Key>{key}</Key><Size>{size}</Size><LastModified>2026-11-22T12:00:00.000Z</LastModified><ETag>\"tag\"</ETag></Contents>").unwrap();
            }
        }
    }
    for folder in folders {
        write!(
            xml,
            "<CommonPrefixes><Prefix>{folder}</Prefix></CommonPrefixes>"
        )
        .unwrap();
    }
    xml + "</ListBucketResult>"
}

#[test]
fn snapshots_in_s3() {
    if let Some(place) = place() {
        match place.strip_prefix("refused ") {
            Some(url) => be_refused_by(url),
            None => keep_snapshots_in(&place),
        }
        return;
    }
    let shelf = Shared::default();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let app = Router::new()
        .fallback(serve)
        .layer(axum::extract::DefaultBodyLimit::disable())
        .with_state(shelf.clone());
    std::thread::spawn(move || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(async move {
            listener.set_nonblocking(true).unwrap();
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });

    let environment = [
        ("AWS_ENDPOINT", endpoint.as_str()),
        ("AWS_ALLOW_HTTP", "true"),
        ("AWS_ACCESS_KEY_ID", "the-key"),
        ("AWS_SECRET_ACCESS_KEY", "the-secret"),
    ];
    let mut test = again("repository::s3::snapshots_in_s3", "s3://snapshots/of/ours");
    let output = test.envs(environment).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}{errors}");
    assert!(said.contains("kept as they should be"), "{said}");

    let shelf = shelf.lock().unwrap();
    let keys: Vec<&String> = shelf.objects.keys().collect();
    let last = "of/ours/churnwatch/3/00000000000000000003-0123456789abcdef.part";
    assert_eq!(keys, [last]);
    for kind in ["PUT", "GET", "LIST", "DELETE", "POST upload", "PUT upload"] {
        assert!(shelf.asked[kind] >= 2, "{kind} was not tried again");
    }
    assert!(shelf.uploads.is_empty());
    drop(shelf);

    let environment = environment.map(|(name, value)| {
        let wrong = name == "AWS_ACCESS_KEY_ID";
        (name, if wrong { "another-key" } else { value })
    });
    let mut test = again(
        "repository::s3::snapshots_in_s3",
        "refused s3://snapshots/of/ours",
    );
    let output = test.envs(environment).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("check AWS_ACCESS_KEY_ID"), "{said}");
}

fn keep_snapshots_in(url: &str) {
    let mut repository = SnapshotRepository::open(url, GROUP).unwrap();
    let mut scenario = scenario(300);
    publish(&mut repository, &mut scenario.shard, 1);
    let chain = publish(&mut repository, &mut scenario.shard, 2);
    assert_eq!(chain.parts.len(), 2);
    let mut loaded = load(&mut repository, &chain).unwrap();
    assert_same(&mut loaded, &mut scenario.shard);

    // Too large for one request.
    let mut manifest = manifest(3);
    manifest.epoch.ruleset = "#".repeat(20 << 20 >> 1);
    let image = scenario.shard.image();
    repository.begin(SnapshotRequest { image, manifest });
    let large = wait(|| repository.written()).1.unwrap();
    repository.published(&large);
    let mut loaded = load(&mut repository, &large).unwrap();
    assert_same(&mut loaded, &mut scenario.shard);

    let store = open(url).unwrap();
    let seqs = || -> Vec<u64> {
        let found = list(&store, GROUP).unwrap();
        found.iter().map(|part| part.seq).collect()
    };
    assert_eq!(seqs(), [1, 2, 3]);
    repository.prune(PARTITION, 3);
    wait(|| (seqs() == [3]).then_some(()));
    println!("kept as they should be");
}

/// With a key that the store does not know.
fn be_refused_by(url: &str) {
    let mut repository = SnapshotRepository::open(url, GROUP).unwrap();
    let mut scenario = scenario(20);
    let problem = super::write(&mut repository, &mut scenario.shard, 9).unwrap_err();
    println!("{problem}");
}
