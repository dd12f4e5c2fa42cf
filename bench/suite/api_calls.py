"""A proxy in front of the emulator that counts the calls it passes on, by what they are for."""

import collections
import http.client
import http.server
import json
import os
import re
import threading

# A path below the project, and its kind. Names of jobs and tables are not counted separately.
KINDS = [
    ("POST", r"datasets", "datasets.insert"),
    ("GET", r"datasets/[^/]+", "datasets.get"),
    ("GET", r"datasets/[^/]+/tables", "tables.list"),
    ("POST", r"datasets/[^/]+/tables", "tables.insert"),
    ("GET", r"datasets/[^/]+/tables/[^/]+", "tables.get"),
    ("PATCH", r"datasets/[^/]+/tables/[^/]+", "tables.patch"),
    ("DELETE", r"datasets/[^/]+/tables/[^/]+", "tables.delete"),
    ("POST", r"queries", "jobs.query"),
    ("GET", r"queries/[^/]+", "jobs.getQueryResults"),
]
JOB = r"jobs/bqsync_([a-z]+)_"
# Ours between one machine's processes; not to be passed on.
HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}


def kind(method, path, body):
    upload = path.startswith("/upload/")
    path = path.split("?")[0].split("/projects/", 1)[-1].split("/", 1)[-1]
    if upload:
        return "upload opened (load job)" if method == "POST" else "upload chunk"
    if path == "jobs":
        return f"jobs.insert ({job(json.loads(body)['configuration'])})"
    if found := re.match(JOB, path):
        return f"jobs.get ({found[1]})"
    if path.startswith("jobs/"):
        return "jobs.get"
    matching = (name for verb, pattern, name in KINDS if verb == method and re.fullmatch(pattern, path))
    return next(matching, f"{method} {path}")


def job(configuration):
    if query := configuration.get("query"):
        return query["query"].split(None, 1)[0].upper()
    return next(name for name in ("load", "copy", "extract") if name in configuration)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Without this each answer waits for the acknowledgement of its headers.
    disable_nagle_algorithm = True

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.count(kind(self.command, self.path, body))
        upstream = http.client.HTTPConnection(os.environ["BIGQUERY_EMULATOR_HOST"], timeout=600)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        upstream.request(self.command, self.path, body or None, headers)
        answer = upstream.getresponse()
        content = answer.read()
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
        upstream.close()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = pass_on


class Server(http.server.ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.counts, self.lock = collections.Counter(), threading.Lock()

    def count(self, name):
        with self.lock:
            self.counts[name] += 1


class CountingProxy:
    def __enter__(self):
        self.server = Server()
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def told(self, mappings):
        """Lines: calls per mapping, the most frequent first."""
        counts = self.server.counts.most_common()
        total = sum(count for _, count in counts)
        return [f"{total / mappings:6.2f}  all ({total} calls)",
                *(f"{count / mappings:6.2f}  {name}" for name, count in counts)]
