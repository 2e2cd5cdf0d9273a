import type { Options } from "amqplib";

/** What to do about a connection that did not come about, where amqplib's `reason` does not tell; else the reason itself. */
export function connectFaultOf(reason: string, { protocol, vhost = "/" }: Options.Connect): string {
  if (/ConnectionOpenOk; got <ConnectionClose/.test(reason)) {
    return (
      `the broker refuses the virtual host ${JSON.stringify(decodeURIComponent(vhost))}: it does not exist, or the user has ` +
      "no right to it, or it is down, or it or the user has no room for more connections; the broker's log says which: create it, grant the " +
      "right or raise the limit, or correct the end of the URL (AMQP_URL, amqp.url)"
    );
  }
  if (/exceeds maxFrameSize|wrong version number/i.test(reason)) {
    return (
      `what listens there does not speak ${protocol}: set AMQP_URL (amqp.url) to RabbitMQ's own port, ` +
      "amqp to a plain one (5672) and amqps to one with TLS (5671)"
    );
  }
  if (/closed abruptly|ECONNRESET/.test(reason)) {
    return (
      "the broker closed the connection before it was open: it is still starting, or has no room for more, " +
      "or its port wants TLS (amqps in AMQP_URL, amqp.url)"
    );
  }
  return tlsFaultOf(reason);
}

/** OpenSSL's words for a certificate of which they do not say whose it is, and for alerts, which are a line of code. */
function tlsFaultOf(reason: string): string {
  if (/self-signed certificate|unable to (?:verify the first|get (?:local )?issuer) certificate/.test(reason)) {
    const advice = "set amqp.tls.ca to that of the authority that has signed it, and start again";
    return `this process does not trust the broker's certificate (${reason.split(";", 1)[0]}): ${advice}`;
  }
  if (/certificate (?:has expired|is not yet valid)/.test(reason)) return `the broker's ${reason}`;
  const alert = /alert ((?:bad|unsupported) certificate|certificate \w+|unknown ca)/.exec(reason)?.[1];
  if (alert !== undefined) {
    const advice = "set amqp.tls.cert and amqp.tls.key to one that it trusts, and start again";
    return `the broker does not take this process's certificate, or the lack of one (${alert}): ${advice}`;
  }
  if (/alert handshake failure/.test(reason)) {
    return (
      "the broker refuses the TLS handshake: it wants a certificate of this process (amqp.tls.cert and amqp.tls.key), " +
      "or has no version or cipher of TLS in common with it"
    );
  }
  return reason;
}
