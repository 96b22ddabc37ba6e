/** The page's one WebSocket, its reconnects, and the upload of files. */

import { state } from "./state.js";

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 5000;
const UPLOAD_LIMIT = 10 * 1024 * 1024; // Discord's default: 10 MiB a file

let socket = null;
let retryDelay = FIRST_RETRY_MS;
let retryTimer = null;
let counter = 0;
const places = new Map(); // nonce -> where the answer or the failure is to be shown

/** Connect as that person; `onFrame(type, data)` hears the server, `onLost(places)` each lost connection. */
export function connect(userId, onFrame, onLost) {
  clearTimeout(retryTimer);
  if (socket) socket.onclose = socket.onmessage = null;
  socket?.close();
  places.clear();
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const query = userId ? `?user=${encodeURIComponent(userId)}` : "";
  socket = new WebSocket(`${scheme}://${location.host}/ui${query}`);
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    if (frame.t === "hello") retryDelay = FIRST_RETRY_MS;
    onFrame(frame.t, frame.d);
  };
  socket.onclose = () => {
    const lost = [...places.values()];
    places.clear();
    onLost(lost);
    retryTimer = setTimeout(() => connect(userId, onFrame, onLost), retryDelay);
    retryDelay = Math.min(retryDelay * 1.6, LAST_RETRY_MS);
  };
}

export function send(type, data) {
  if (socket?.readyState !== WebSocket.OPEN) return false;
  socket.send(JSON.stringify({ t: type, d: data }));
  return true;
}

/** Send something that will be answered; returns its nonce, or null while there is no connection. */
export function ask(type, data, place) {
  const nonce = `${Date.now()}${String(counter++).padStart(4, "0")}`;
  if (!send(type, { nonce, ...data })) return null;
  places.set(nonce, place);
  return nonce;
}

/** Where the question with this nonce was asked; it is answered now. */
export function takePlace(nonce) {
  const place = places.get(nonce);
  places.delete(nonce);
  return place;
}

/** Hand a file to the server; resolves to Discord's attachment object, or throws an Error to be shown. */
export async function upload(file) {
  if (file.size > UPLOAD_LIMIT) throw new Error(`${file.name} is too large: a file may have at most 10 MB.`);
  const form = new FormData();
  form.append("file", file, file.name || "file");
  const query = new URLSearchParams({ user: state.me.id });
  const response = await fetch(`/ui/upload?${query}`, { method: "POST", body: form });
  if (response.ok) return response.json();
  const text = await response.text();
  let message = text;
  try {
    message = JSON.parse(text).message ?? text;
  } catch {
    // Not JSON: the text itself is the message.
  }
  throw new Error(message.slice(0, 200) || `${file.name} could not be uploaded.`);
}
