"""Live telemetry as one show: `python -m benchmarks.show_live FOLDER` writes pictures and counts into a folder.

NASA's 82 channels with their shipped LSTMs, of which the first samples are stored. Another process publishes those that
follow through mosquitto, a sample of each channel a second: of a sample a minute that is 60x. `workbench live` takes
them, a dashboard serves them, alerts go to a webhook on this machine. On six channels a labelled anomaly begins `AHEAD`
seconds after the first sample. Meanwhile service and broker get SIGKILL in turn and start again. Afterwards samples,
scores and alerts must be those of a home that was given the whole series at once.

`--seconds 480 --kills 2` are the defaults, of each the service and the broker; it takes as long and a few minutes more.
"""

import argparse
import ast
import csv
import io
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import yaml
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import sync_playwright

import workbench as wb
from benchmarks.bench_lstm import NASA
from benchmarks.served import ARGUMENTS, chromium, dashboard
from tests.live.plants import judge, outcome, samples_of
from tests.live.test_mqtt import Broker
from workbench.models.shipped import install_shipped
from workbench.telemetry.schema import make_channel

STORED, LEAST, AHEAD, SHOWN = 3_000, 2_800, 150, 6
REPEATED = 5  # seconds before the death of a broker whose messages are sent once more
WAIT_S = 240
PASSWORD = "WORKBENCH_LIVE__MQTT__PASSWORD"
SIZES = {"laptop": (1280, 800), "phone": (390, 844)}


def labels():
    """First sample of each labelled anomaly, by channel."""
    with zipfile.ZipFile(NASA) as archive:
        rows = csv.DictReader(io.StringIO(archive.read("labeled_anomalies.csv").decode()))
        return {row["chan_id"]: [first for first, _ in ast.literal_eval(row["anomaly_sequences"])] for row in rows}


def spacecraft(seconds):
    """Train and test telemetry of each channel, and how much of the test is stored; and the channels to look at."""
    begins, shown, series = labels(), [], []
    with zipfile.ZipFile(NASA) as archive:
        folder = "data/data/test/"
        names = sorted(Path(one).stem for one in archive.namelist() if one.startswith(folder) and one.endswith(".npy"))
        for name in names:
            train, test = (
                np.load(io.BytesIO(archive.read(f"data/data/{split}/{name}.npy"))) for split in ("train", "test")
            )
            later = [one - AHEAD for one in begins.get(name, []) if LEAST < one - AHEAD < len(test) - seconds]
            stored = later[0] if later and len(shown) < SHOWN else STORED
            if stored != STORED:
                shown.append(name)
            test = np.resize(test, (stored + seconds, test.shape[1]))
            attributes = {"channel": name, "asset": "NASA", "subsystem": name[0], "source": "show"}
            parts = [make_channel(one[:, 0], one[:, 1:], **attributes) for one in (train, test)]
            series.append((*parts, stored))
    return series, shown


def write_homes(folder, series):
    """Make the home that is to be served, and one that has the whole series."""
    with wb.open(home=folder / "live") as session:
        for train, test, stored in series:
            session.archive.write(train, test.isel(time=slice(0, stored)))
        assert set(install_shipped(session.archive, session.registry)["status"]) == {"installed"}
        session.set_growing(session.channel_names())
    judge(folder / "live")
    shutil.copytree(folder / "live", folder / "whole")
    with wb.open(home=folder / "whole") as session:
        session.archive.extend([(stored, test.isel(time=slice(stored, None))) for _, test, stored in series])
    judge(folder / "whole")


class Publisher:
    """Publishes what it is given, and once more what a broker may have lost with its life."""

    def __init__(self, port):
        self.client = Client(CallbackAPIVersion.VERSION2, client_id="spacecraft", clean_session=False)
        self.client.username_pw_set("plant", "secret")
        self.client.max_inflight_messages_set(0)
        self.client.max_queued_messages_set(0)
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._repeat
        self.last = []
        self.sent = self.confirmed = 0  # messages
        self.client.on_publish = self._confirm
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def _repeat(self, client, *_):
        for second in list(self.last):
            self._send(second)

    def _confirm(self, *_):
        self.confirmed += 1

    def _send(self, samples):
        for one in samples:
            text = json.dumps({"sample": one.moment, "value": one.value, "inputs": one.inputs or {}})
            self.client.publish(f"plant/{one.channel}", text, qos=1)
            self.sent += 1

    def send(self, samples):
        self.last = [*self.last[-REPEATED + 1 :], samples]
        self._send(samples)


def publish(port, series, seconds, begin):
    """Publish a sample of each channel a second."""
    rows = [samples_of(test.isel(time=slice(stored, None))) for _, test, stored in series]
    publisher = Publisher(port)
    begin.wait()
    began = time.monotonic()
    for number in range(seconds):
        time.sleep(max(0.0, began + number - time.monotonic()))
        publisher.send([row[number] for row in rows])
    while publisher.confirmed < publisher.sent and time.monotonic() < began + seconds + WAIT_S:
        time.sleep(0.1)
    publisher.client.disconnect()
    publisher.client.loop_stop()


class Webhook:
    """Notes what is posted."""

    def __init__(self):
        messages = self.messages = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                messages.append((time.monotonic(), json.loads(body)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Live:
    """`workbench live` on a home."""

    def __init__(self, home, log):
        self.home, self.log, self.process = home, log, None

    def start(self):
        self.process = subprocess.Popen(
            [Path(sys.executable).with_name("workbench"), "live"],
            env=os.environ | {"WORKBENCH_HOME": str(self.home), PASSWORD: "secret"},
            cwd=self.home,
            stdout=self.log,
            stderr=self.log,
        )

    def end(self, how):
        self.process.send_signal(how)
        return self.process.wait(WAIT_S)


def take_pictures(page, folder, name):
    for size, (width, height) in SIZES.items():
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_timeout(1_500)
        page.screenshot(path=folder / f"{name}-{size}.png")


def settings(folder, broker, webhook):
    """Write the settings as the guide says."""
    text = {
        "live": {
            "port": 0,
            "mqtt": {"host": "127.0.0.1", "port": broker.port, "topics": ["plant/+"], "user": "plant"},
            "json_mapping": {"channel": "{topic.1}"},
        },
        "notifications": {
            "batch_seconds": dict.fromkeys(("info", "low", "medium", "high"), 0.0),
            "targets": {"hook": {"url": f"json://127.0.0.1:{webhook.server.server_port}/", "least_level": "info"}},
        },
    }
    (folder / "live" / "workbench.yaml").write_text(yaml.safe_dump(text), encoding="utf-8")


def run(folder, seconds, kills):
    """Run the show, and return the lines of its report."""
    series, shown = spacecraft(seconds)
    context = multiprocessing.get_context("spawn")
    maker = context.Process(target=write_homes, args=(folder, series))
    maker.start()
    maker.join()
    assert maker.exitcode == 0
    report = [f"{len(series)} channels, {seconds} samples each; anomalies begin {AHEAD} s after the start on {shown}"]

    def say(line):
        report.append(line)
        print(line, flush=True)

    broker, webhook = Broker(folder / "broker"), Webhook()
    broker.start()
    settings(folder, broker, webhook)
    begin = context.Event()
    publisher = context.Process(target=publish, args=(broker.port, series, seconds, begin))
    publisher.start()
    with (folder / "live.log").open("w") as log, sync_playwright() as playwright:
        live = Live(folder / "live", log)
        live.start()
        os.environ[PASSWORD] = "secret"
        served = dashboard(folder / "live").answers()
        del os.environ[PASSWORD]
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        pages = {}
        for view in ("overview", "monitoring", "anomalies"):
            page = pages[view] = browser.new_page(viewport={"width": 1280, "height": 800})
            page.goto(f"{served.url}?view={view}" + (f"&channel={shown[0]}" if view != "overview" else ""))
            page.wait_for_selector(f".wb-pane.wb-{view} >> visible=true", timeout=120_000)
        begin.set()
        began = time.monotonic()
        events = [(AHEAD - 20, "before"), (AHEAD + 30, "while"), (AHEAD + 110, "later"), (seconds - 5, "end")]
        apart = (seconds - AHEAD - 150) // (2 * kills)
        for number in range(kills):
            events += [
                (AHEAD + 125 + 2 * number * apart, "service"),
                (AHEAD + 125 + (2 * number + 1) * apart, "broker"),
            ]
        for when, what in sorted(events):
            time.sleep(max(0.0, began + when - time.monotonic()))
            if what == "service":
                say(f"second {when}: SIGKILL of the service, {live.end(signal.SIGKILL)}")
                live.start()
            elif what == "broker":
                broker.end(signal.SIGKILL)
                broker.start()
                say(f"second {when}: SIGKILL of the broker")
            else:
                for view, page in pages.items():
                    take_pictures(page, folder, f"{view}-{what}")
                say(f"second {when}: pictures '{what}', {len(webhook.messages)} messages at the webhook")
        publisher.join()
        expected = sum(test.sizes["time"] for _, test, _ in series)
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until and held(folder / "live") < expected:
            time.sleep(2)
        say(f"stored {held(folder / 'live')} of {expected} samples, stopped with {live.end(signal.SIGTERM)}")
        browser.close()
        served.close()
    broker.end(signal.SIGTERM)
    judge(folder / "live")
    ours, whole = outcome(folder / "live"), outcome(folder / "whole")
    joined = parts_of_others(folder / "live")
    alerts = [row for row in ours[1] if (row[0], row[3]) not in joined]
    say(f"samples and scores equal: {ours[0] == whole[0]}; alerts equal: {alerts == whole[1]}, {len(alerts)} of them")
    say(f"raised at once and part of another alert since: {sorted(joined)}")
    for words, rows, others in (("only live", alerts, whole[1]), ("only afterwards", whole[1], alerts)):
        for row in rows:
            if row not in others:
                say(f"{words}: {row}")
    titles = [str(message.get("title") or message)[:120] for _, message in webhook.messages]
    say(
        f"{len(titles)} messages at the webhook, the first {[round(at - began) for at, _ in webhook.messages[:1]]} s in"
    )
    report += titles
    (folder / "report.txt").write_text("\n".join(report) + "\n", encoding="utf-8")
    return report


def parts_of_others(home):
    """Channel and first sample of each alert that was raised at once and is part of another one."""
    with wb.open(home=home) as session:
        alerts = session.maintenance.alerts.list(state=None)
    rows = alerts[alerts["message"].str.contains("It is part of alert")]
    return set(zip(rows["channel"], rows["first_at"].astype(str), strict=True))


def held(home):
    """Samples of all test series of a home."""
    with wb.open(home=home) as session:
        return sum(session.archive.open(name).sizes["time"] for name in session.archive.channels())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int, default=480)
    parser.add_argument("--kills", type=int, default=2)
    options = parser.parse_args()
    options.folder.mkdir(parents=True)
    with suppress(KeyboardInterrupt):
        run(options.folder.absolute(), options.seconds, options.kills)


if __name__ == "__main__":
    main()
