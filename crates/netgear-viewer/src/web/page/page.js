import { Plot } from "/plot.js";

// Items of data that the list keeps.
const ITEMS = 200;
// How long to wait before the connection is tried again, in milliseconds.
const RETRY = [500, 1000, 2000, 5000];

const $ = (id) => document.getElementById(id);
const picture = $("picture");
const context = picture.getContext("2d", { alpha: false });
const plots = {
  fps: new Plot("fps", (fps) => fps.toFixed(1)),
  latency: new Plot("latency", (micros) => `${(micros / 1000).toFixed(1)} ms`),
  rate: new Plot("rate", (bytes) => `${(bytes / 1e6).toFixed(1)} MB/s`),
};

let socket = null;
let failures = 0;
let paused = false;
// Pictures that were shown and not acknowledged, as the picture stands.
let owed = 0;
// The picture that is shown: its number and its JPEG.
let shown = null;
// Pictures are shown one after the other, in the order in which they came.
let drawing = Promise.resolve();

function connect() {
  socket = new WebSocket(`ws${location.protocol.slice(4)}//${location.host}/socket${location.search}`);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => {
    failures = 0;
    owed = 0;
    state("live");
  };
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") {
      told(JSON.parse(data));
    } else {
      const from = socket;
      drawing = drawing.then(() => draw(data, from)).catch(() => {});
    }
  };
  socket.onclose = () => {
    state("not connected; trying again");
    setTimeout(connect, RETRY[Math.min(failures, RETRY.length - 1)]);
    failures += 1;
  };
}

// A message is the picture's number in 8 bytes, and its JPEG.
async function draw(message, from) {
  const number = Number(new DataView(message).getBigUint64(0, true));
  const jpeg = new Blob([new Uint8Array(message, 8)], { type: "image/jpeg" });
  try {
    if (!paused) {
      const bitmap = await createImageBitmap(jpeg);
      if (!paused) {
        if (picture.width !== bitmap.width || picture.height !== bitmap.height) {
          picture.width = bitmap.width;
          picture.height = bitmap.height;
        }
        context.drawImage(bitmap, 0, 0);
        shown = { number, jpeg };
        picture.dataset.number = number;
        picture.setAttribute("aria-label", `Live picture: frame ${number}`);
        $("save").disabled = false;
        banner("");
      }
      bitmap.close();
    }
  } finally {
    // What is not acknowledged is not followed by more: a picture that stands costs nothing.
    if (from === socket) {
      owed += 1;
      acknowledge();
    }
  }
}

function acknowledge() {
  while (!paused && owed > 0 && socket.readyState === WebSocket.OPEN) {
    socket.send('{"type":"shown"}');
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
        `${message.frames} frames, ${message.dropped} dropped, ${(message.bytes / 1e6).toFixed(1)} MB; ` +
        `${message.viewers} ${message.viewers === 1 ? "viewer" : "viewers"}`;
      break;
    case "taken":
      $("sent").textContent = "goes with the answer to the next frame";
      break;
    case "refused":
      $("sent").textContent = `not sent: ${message.why}`;
      break;
  }
}

function list(items, missed) {
  const data = $("data");
  const lines = items.map(({ direction, frame, text, cut }) => {
    const line = document.createElement("li");
    const way = document.createElement("b");
    way.textContent = direction === "sent" ? "sent" : "received";
    line.append(way, ` at ${frame}: ${text}${cut ? " …" : ""}`);
    return line;
  });
  if (missed > 0) {
    const line = document.createElement("li");
    line.textContent = `${missed} more, not listed`;
    lines.unshift(line);
  }
  data.prepend(...lines.reverse());
  while (data.children.length > ITEMS) {
    data.lastElementChild.remove();
  }
}

function state(text) {
  $("state").textContent = text;
}

function banner(text) {
  $("banner").textContent = text;
  $("banner").hidden = text === "";
}

function pause() {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", paused);
  $("pause").textContent = paused ? "Go on" : "Pause";
  banner(paused ? "paused" : shown ? "" : "waiting for frames");
  acknowledge();
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
$("send").addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState !== WebSocket.OPEN) {
    $("sent").textContent = "not sent: not connected";
    return;
  }
  socket.send(JSON.stringify({ type: "send", text: $("text").value }));
  $("text").value = "";
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, button, ol")) {
    return;
  }
  if (event.key === " ") {
    event.preventDefault();
    pause();
  } else if (event.key === "s") {
    save();
  }
});

connect();
