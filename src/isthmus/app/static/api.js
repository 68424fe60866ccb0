// What the page asks the server; a fault is one line, which the page shows as it is.

export class Fault extends Error {}

async function answered(path, options) {
  let answer;
  try {
    answer = await fetch(`/api/${path}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Fault("the server does not answer: is `isthmus open` still running?");
  }
  if (answer.ok) return answer;
  let says = `the server answered ${answer.status}`;
  try {
    const text = await answer.text();
    says = text.startsWith("{") ? JSON.parse(text).error : text.replace(/^isthmus: /, "").trim() || says;
  } catch { /* what is said above will do */ }
  throw new Fault(says);
}

/** GET, or with `send` POST, an object; gives an object. */
export async function ask(path, send, signal) {
  const options = send === undefined ? {} : {
    method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(send),
  };
  return (await answered(path, {...options, signal})).json();
}

/** POST or PUT bytes; gives an object. */
export async function deliver(path, file, method = "POST") {
  return (await answered(path, {method, body: file})).json();
}

/** DELETE; gives an object. */
export async function remove(path) {
  return (await answered(path, {method: "DELETE"})).json();
}

/** GET bytes. */
export async function load(path, signal) {
  return (await answered(path, {signal})).arrayBuffer();
}

/** POST an object; gives a file. */
export async function download(path, send) {
  const options = {method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify(send)};
  return (await answered(path, options)).blob();
}

/** Call `work(argument)` with the newest argument whenever the one before is answered: none is asked twice at once. */
export function latest(work) {
  let waiting = null, going = false;
  return async (argument) => {
    waiting = [argument];
    if (going) return;
    going = true;
    try {
      while (waiting) {
        const [newest] = waiting;
        waiting = null;
        await work(newest);
      }
    } finally {
      going = false;
    }
  };
}
