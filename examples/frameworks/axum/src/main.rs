//! The same two routes with axum.

use axum::extract::{Path, Query};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Asked {
    q: Option<String>,
}

#[derive(Serialize)]
struct Found {
    id: i64,
    q: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Item {
    name: String,
    count: i64,
}

async fn read(Path(id): Path<i64>, Query(asked): Query<Asked>) -> Json<Found> {
    Json(Found { id, q: asked.q })
}

async fn write(Json(item): Json<Item>) -> Json<Item> {
    Json(item)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let routes = Router::new()
        .route("/items/{id}", get(read))
        .route("/items", post(write));
    let address = std::env::args().nth(1).unwrap_or_default();
    axum::serve(tokio::net::TcpListener::bind(address).await?, routes).await
}
