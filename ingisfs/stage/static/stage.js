// What the pages do by themselves: counters that stay fresh, and files that are dropped. All works without it too.
"use strict";

const counters = document.querySelector("[data-counters]");
if (counters) {
  // What else on the page has changed with them comes from the page itself.
  const redraw = async () => {
    const live = document.querySelector("[data-live]");
    const answer = await fetch(location.pathname);
    if (!live || !answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.querySelector("[data-live]");
    if (fresh && !live.contains(document.activeElement)) live.replaceWith(fresh);
  };
  const refresh = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch("/counters.json", { headers: { Accept: "application/json" } });
      if (!answer.ok || answer.redirected) return;
      let changed = false;
      for (const [state, count] of Object.entries(await answer.json())) {
        const place = counters.querySelector(`[data-count="${state}"]`);
        if (place && place.textContent !== String(count)) {
          place.textContent = count;
          changed = true;
        }
      }
      if (changed) await redraw();
    } catch { /* the server is away for a moment */ }
  };
  setInterval(refresh, 3000);
  document.addEventListener("visibilitychange", refresh);
}

const upload = document.querySelector("[data-upload]");
if (upload) {
  const drop = document.querySelector(".drop");
  const input = upload.querySelector("input[type=file]");
  const csrf = upload.querySelector("input[name=csrf]").value;
  const table = document.querySelector("[data-answers]");
  const words = upload.dataset;
  const waiting = [];
  let busy = 0;

  const cell = (row, content, className) => {
    const made = row.insertCell();
    if (className) made.className = className;
    made.append(content);
    return made;
  };

  const add = (file) => {
    table.hidden = false;
    const row = table.tBodies[0].insertRow();
    cell(row, file.name, "main");
    const bar = document.createElement("progress");
    bar.max = Math.max(file.size, 1);
    bar.value = 0;
    bar.setAttribute("aria-label", file.name);
    cell(row, bar, "state");
    const answer = cell(row, words.underWay, "more answer");
    waiting.push({ file, bar, answer });
    next();
  };

  const next = () => {
    while (busy < 3 && waiting.length) {
      busy += 1;
      send(waiting.shift());
    }
  };

  const send = ({ file, bar, answer }) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/upload/file?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("X-CSRF", csrf);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.onprogress = (event) => { bar.value = event.loaded; };
    request.onloadend = () => {
      busy -= 1;
      let told = null;
      try { told = JSON.parse(request.responseText); } catch { /* not from our server */ }
      bar.value = bar.max;
      answer.textContent = told ? told.text : words.failed;
      if (told && told.ok) follow(file.name, told.sha256, answer, 0);
      next();
    };
    request.send(file);
  };

  const follow = async (name, sha256, answer, tries) => {
    if (tries > 200) return;
    try {
      const reply = await fetch(`/upload/answer?name=${encodeURIComponent(name)}&sha256=${sha256}`);
      if (!reply.ok || reply.redirected) return;
      const told = await reply.json();
      if (told.state !== "waiting") {
        const badge = document.createElement("span");
        badge.className = `badge ${told.state}`;
        badge.textContent = told.status;
        const link = document.createElement("a");
        link.href = told.link;
        link.textContent = told.text;
        answer.replaceChildren(badge, link);
        return;
      }
      answer.textContent = told.text;
    } catch { /* the server is away for a moment */ }
    setTimeout(() => follow(name, sha256, answer, tries + 1), Math.min(1000 + tries * 200, 10000));
  };

  upload.querySelector("button").hidden = true;
  input.addEventListener("change", () => { for (const file of input.files) add(file); input.value = ""; });
  for (const kind of ["dragover", "dragenter"]) {
    drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    for (const file of event.dataTransfer.files) add(file);
  });
}
