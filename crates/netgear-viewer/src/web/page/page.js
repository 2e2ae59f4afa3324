import { Plot } from "/plot.js";
import { Box } from "/box.js";

// Items of data that the list keeps of each direction, so that what is rare is not pushed out by what comes with every frame.
const ITEMS = 200;
const DIRECTIONS = { received: "received", sent: "sent", typed: "typed and sent" };
// How long to wait before the connection is tried again, in milliseconds.
const RETRY = [500, 1000, 2000, 5000];
// Statistics come every second. After so many milliseconds without a word the page says so, and later it looks for another connection.
const QUIET = 5000;
const LOST = 60000;
// After so many milliseconds without a frame the picture is no live one.
const STILL = 3000;

const $ = (id) => document.getElementById(id);
const picture = $("picture");
const context = picture.getContext("2d", { alpha: false });
const title = document.title;
const plots = {
  fps: new Plot("fps", (fps) => fps.toFixed(1)),
  latency: new Plot("latency", (micros) => `${(micros / 1000).toFixed(1)} ms`),
  rate: new Plot("rate", (bytes) => `${size(bytes)}/s`),
};
const box = new Box((message) => say(message));

let socket = null;
let connected = false;
let failures = 0;
// Why there is no connection.
let why = "connecting";
let refused = false;
let paused = false;
// Pictures that came and are not acknowledged, as the picture stands.
let owed = 0;
// The newest that came and is not drawn.
let waiting = null;
let drawing = false;
// The picture that is shown: its number and its JPEG.
let shown = null;
// Items of data that came while the page stands.
let held = { items: [], missed: 0 };
// When something was heard, and when there was a new frame, if there was one.
let heard = 0;
let framed = null;
// Why no frames come, if the sender is known to be gone.
let absence = null;
// The picture is of this connection, and not of a program that was here before.
let fresh = false;

function connect() {
  const opened = new WebSocket(`ws${location.protocol.slice(4)}//${location.host}/socket${location.search}`);
  socket = opened;
  opened.binaryType = "arraybuffer";
  opened.onmessage = ({ data }) => {
    heard = performance.now();
    if (!connected) {
      begin();
    }
    if (typeof data === "string") {
      told(JSON.parse(data));
    } else {
      owed += 1;
      waiting = data;
      draw();
    }
  };
  opened.onclose = ({ reason }) => lost(opened, reason);
}

// A socket that says something is a viewer's, and not that of one who is turned away.
function begin() {
  connected = true;
  failures = 0;
  owed = 0;
  waiting = null;
  framed = null;
  absence = null;
  fresh = false;
  describe();
}

async function lost(closed, reason) {
  if (closed !== socket) {
    return;
  }
  const was = connected;
  socket = null;
  connected = false;
  box.lost();
  // One that cannot be had again says no more than the one before.
  why = reason || (was || why === "connecting" ? "not connected" : why);
  describe();
  setTimeout(connect, RETRY[Math.min(failures, RETRY.length - 1)]);
  failures += 1;
  if (!was && !reason) {
    // A browser does not say why there is no socket; asked without one, the program does.
    const answer = await fetch(`/socket${location.search}`).catch(() => null);
    const denied = answer?.status === 403 ? (await answer.text()).trim() : null;
    if (!connected) {
      why = denied ?? (refused ? "not connected" : why);
      refused = denied !== null;
      describe();
    }
  }
}

function say(message) {
  if (!connected || socket.readyState !== WebSocket.OPEN) {
    return false;
  }
  socket.send(JSON.stringify(message));
  return true;
}

// The picture stands while nobody wants it to move, or sees it. Before there is one, there is nothing to stand.
function stands() {
  return (paused && shown !== null) || document.hidden;
}

async function draw() {
  if (drawing) {
    return;
  }
  drawing = true;
  while (waiting && !stands()) {
    const message = waiting;
    waiting = null;
    await drawOne(message).catch(() => {});
    acknowledge();
  }
  drawing = false;
}

// A message is the picture's number in 8 bytes, and its JPEG.
async function drawOne(message) {
  const number = Number(new DataView(message).getBigUint64(0, true));
  const jpeg = new Blob([new Uint8Array(message, 8)], { type: "image/jpeg" });
  const bitmap = await createImageBitmap(jpeg);
  if (stands()) {
    // It may be the last that comes.
    waiting ??= message;
  } else {
    if (picture.width !== bitmap.width || picture.height !== bitmap.height) {
      picture.width = bitmap.width;
      picture.height = bitmap.height;
    }
    context.drawImage(bitmap, 0, 0);
    const first = !fresh;
    fresh = true;
    shown = { number, jpeg };
    picture.dataset.number = number;
    $("save").disabled = false;
    if (first) {
      describe();
    }
  }
  bitmap.close();
}

// What is not acknowledged is not followed by more: a picture that stands, or that nobody sees, costs nothing.
function acknowledge() {
  while (!stands() && owed > (waiting ? 1 : 0) && say({ type: "shown" })) {
    owed -= 1;
  }
}

function told(message) {
  switch (message.type) {
    case "data":
      list(message.items, message.missed);
      break;
    case "statistics":
      plots.fps.add(message.fps);
      plots.latency.add(message.latency_us);
      plots.rate.add(message.bytes_per_second);
      $("about").textContent = message.width ? `${message.width} × ${message.height}` : "";
      $("counts").textContent =
        `${message.frames}\u00a0frames, ${message.dropped}\u00a0dropped, ${size(message.bytes)}, ` +
        `${message.viewers}\u00a0${message.viewers === 1 ? "viewer" : "viewers"}`;
      framed = message.age_ms === null ? null : heard - message.age_ms;
      absence = message.absence;
      describe();
      break;
    default:
      box.told(message);
  }
}

function size(bytes) {
  const [unit, by] = bytes < 1e6 ? ["kB", 1e3] : bytes < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  return `${(bytes / by).toFixed(1)}\u00a0${unit}`;
}

function list(items, missed) {
  if (paused) {
    const all = [...held.items, ...items];
    const kept = Object.keys(DIRECTIONS).flatMap((of) => all.filter(({ direction }) => direction === of).slice(-ITEMS));
    held = { items: all.filter((item) => kept.includes(item)), missed: held.missed + missed + all.length - kept.length };
    return;
  }
  const lines = items.map(({ direction, frame, text, cut }) => {
    const line = document.createElement("li");
    line.dataset.direction = direction;
    const way = document.createElement("b");
    way.textContent = DIRECTIONS[direction];
    line.append(way, ` at ${frame}: ${text}${cut ? " …" : ""}`);
    return line;
  });
  if (missed > 0) {
    const line = document.createElement("li");
    line.dataset.direction = "missed";
    line.textContent = `${missed} more, not listed`;
    lines.unshift(line);
  }
  const data = $("data");
  data.prepend(...lines.reverse());
  for (const direction of [...Object.keys(DIRECTIONS), "missed"]) {
    [...data.querySelectorAll(`[data-direction="${direction}"]`)].slice(ITEMS).forEach((line) => line.remove());
  }
  tellNone();
}

// Says so where nothing is listed.
function tellNone() {
  const which = $("which").value;
  $("data").dataset.which = which;
  const listed = $("data").querySelector(which === "all" ? "li" : `[data-direction="${which}"]`);
  set($("no-data"), which === "all" ? "Nothing has come or gone yet." : "None of this yet.");
  $("no-data").hidden = listed !== null;
}

// Says how things stand: to all in the heading, which screen readers read when it changes, and on the picture, with the seconds.
function describe() {
  const now = performance.now();
  const seconds = (since) => `${Math.round((now - since) / 1000)} s`;
  let [kind, text, banner] = ["live", "live", ""];
  if (!connected) {
    [kind, text] = ["lost", why === "connecting" ? why : `${why.replace(/\.$/, "")}; trying again`];
    banner = text;
  } else if (now - heard > QUIET) {
    [kind, text, banner] = ["wait", "the connection is slow", `nothing heard for ${seconds(heard)}`];
  } else if (absence) {
    [kind, text, banner] = ["lost", absence, framed === null ? absence : `${absence}; the last frame came ${seconds(framed)} ago`];
  } else if (paused) {
    [kind, text, banner] = ["wait", "paused", "paused; the stream goes on"];
  } else if (!fresh) {
    [kind, text, banner] = [shown ? "lost" : "wait", "waiting for frames", "waiting for frames"];
  } else if (framed !== null && now - framed > STILL) {
    [kind, text, banner] = ["wait", "no new frames", `no new frame for ${seconds(framed)}`];
  }
  set($("state"), text);
  $("state").dataset.kind = kind;
  document.body.dataset.kind = kind;
  set($("banner"), banner);
  $("banner").hidden = banner === "";
  document.title = connected ? (absence ? `(no sender) ${title}` : title) : `(not connected) ${title}`;
  picture.setAttribute("aria-label", shown ? (kind === "live" ? "Live picture" : `Picture: ${text}`) : "No picture yet");
}

function set(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

function pause() {
  paused = !paused;
  $("pause").toggleAttribute("data-paused", paused);
  $("pause").textContent = paused ? "Go on" : "Pause";
  if (!paused) {
    const { items, missed } = held;
    held = { items: [], missed: 0 };
    list(items, missed);
  }
  goOn();
}

// Draws what has waited, and asks for the newest.
async function goOn() {
  describe();
  if (!drawing) {
    await draw();
    acknowledge();
  }
}

function save() {
  if (!shown) {
    return;
  }
  const time = new Date().toISOString().slice(0, 19).replace(/[-:]/g, "").replace("T", "-");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(shown.jpeg);
  link.download = `netgear-${time}-${shown.number}.jpg`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

$("pause").addEventListener("click", pause);
$("save").addEventListener("click", save);
$("which").addEventListener("change", tellNone);
document.addEventListener("visibilitychange", goOn);
document.addEventListener("keydown", (event) => {
  const within = (selector) => event.target.closest(selector);
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || within("input, select")) {
    return;
  }
  if (event.key === " " && !within("button, ol")) {
    event.preventDefault();
    pause();
  } else if (event.key === "s") {
    save();
  }
});
setInterval(() => {
  describe();
  if (connected && performance.now() - heard > LOST) {
    const silent = socket;
    lost(silent, "nothing was heard");
    silent.close();
  }
}, 1000);

// A browser may have kept it from before.
tellNone();
connect();
