// A line of the last minute, in the canvas's text colour.
const POINTS = 60;

export class Plot {
  constructor(id, format) {
    this.canvas = document.getElementById(id);
    this.now = document.getElementById(`${id}-now`);
    this.most = document.getElementById(`${id}-most`);
    this.name = this.canvas.getAttribute("aria-label");
    this.format = format;
    this.values = [];
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  add(value) {
    this.values.push(value);
    this.values.splice(0, this.values.length - POINTS);
    const text = value === null ? "-" : this.format(value);
    const most = this.highest() > 0 ? `max ${this.format(this.highest())}` : "";
    this.now.textContent = text;
    this.most.textContent = most;
    this.canvas.dataset.points = this.values.filter((value) => value > 0).length;
    this.canvas.setAttribute("aria-label", `${this.name}: now ${text}${most && `, ${most}`}`);
    this.draw();
  }

  highest() {
    return Math.max(...this.values.filter((value) => value !== null), 0);
  }

  draw() {
    const scale = window.devicePixelRatio || 1;
    const width = Math.max(1, Math.round(this.canvas.clientWidth * scale));
    const height = Math.max(1, Math.round(this.canvas.clientHeight * scale));
    this.canvas.width = width;
    this.canvas.height = height;
    const context = this.canvas.getContext("2d");
    const most = this.highest() || 1;
    context.strokeStyle = getComputedStyle(this.canvas).color;
    context.lineWidth = 1.5 * scale;
    context.lineJoin = "round";
    context.lineCap = "round";
    context.beginPath();
    let joined = false;
    this.values.forEach((value, index) => {
      if (value === null) {
        joined = false;
        return;
      }
      const x = ((index + POINTS - this.values.length) / (POINTS - 1)) * (width - 4 * scale) + 2 * scale;
      const y = height - (value / most) * (height - 4 * scale) - 2 * scale;
      // A point alone is a dot.
      joined ? context.lineTo(x, y) : (context.moveTo(x, y), context.lineTo(x, y));
      joined = true;
    });
    context.stroke();
  }
}
