/**
 * Lets everything that waits in the event loop go first: messages are received only between two tasks. A message to
 * oneself is used because timers are held back to 4 ms.
 */
export function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
