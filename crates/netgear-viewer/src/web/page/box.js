// The box to send data back. What was typed stays in it until the program has it, and comes back if it cannot be sent.
const text = document.getElementById("text");
const sent = document.getElementById("sent");
const button = document.querySelector("#send button");

export class Box {
  // `say` gives a message to the program, and says whether it could.
  constructor(say) {
    this.say = say;
    this.last = 0;
    // What was typed and is not sent, by its number, and whether the program has it.
    this.typed = new Map();
    document.getElementById("send").addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  submit() {
    if (button.disabled) {
      return;
    }
    this.last += 1;
    if (!this.say({ type: "send", id: this.last, text: text.value })) {
      sent.textContent = "not sent: not connected";
      return;
    }
    this.typed.set(this.last, { text: text.value, taken: false });
    button.disabled = true;
    sent.textContent = "sending";
  }

  told({ type, id, why }) {
    const typed = this.typed.get(id);
    if (!typed) {
      return;
    }
    switch (type) {
      case "taken":
        typed.taken = true;
        button.disabled = false;
        if (text.value === typed.text) {
          text.value = "";
        }
        sent.textContent = "waits for the next frame, and goes with its answer";
        break;
      case "sent":
        this.typed.delete(id);
        sent.textContent = `sent: ${short(typed.text)}`;
        break;
      case "refused":
        this.typed.delete(id);
        button.disabled = false;
        sent.textContent = `not sent: ${why}`;
        text.value ||= typed.text;
        break;
    }
  }

  // The connection is gone, and what becomes of what was typed will not be heard.
  lost() {
    for (const { text: typed, taken } of this.typed.values()) {
      sent.textContent = taken ? `perhaps not sent, as the connection was lost: ${short(typed)}` : "not sent: the connection was lost";
    }
    this.typed.clear();
    button.disabled = false;
  }
}

function short(text) {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
