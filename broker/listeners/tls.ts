import type { Socket } from 'node:net';
import { createServer } from 'node:tls';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import type { CertificateFiles } from './certificate-files.js';
import { readClientCertificate } from './client-certificate.js';
import type { ClientCertificate } from './client-certificate.js';

/** Does TLS on accepted sockets. */
export interface TlsLayer {
  readonly accept: (socket: Socket) => void;
  /** Takes changed files up for the handshakes to come; open connections go on as they are. */
  readonly use: (context: SecureContextOptions) => void;
}

/**
 * TLS 1.2 or 1.3. A client that shows no certificate goes on (and has to know its password); one that shows
 * a certificate that isn't good is refused, and never falls back to a password.
 * @param onSecure a handshake is done; with the client's certificate where it has shown one
 * @param onRefused a handshake failed, or (`client_certificate`) its certificate did not verify
 */
export function createTlsLayer(
  files: CertificateFiles,
  onSecure: (socket: TLSSocket, certificate: ClientCertificate | undefined) => void,
  onRefused: (reason: 'tls_handshake' | 'client_certificate', why: string) => void,
): TlsLayer {
  const server = createServer({
    ...files.context,
    requestCert: files.asksClients,
    // Decided below, as having no certificate is fine and having a bad one is not.
    rejectUnauthorized: false,
  });
  server.on('secureConnection', (socket) => {
    const shown = socket.getPeerX509Certificate();
    const certificate = shown && readClientCertificate(shown);
    if (shown === undefined || (socket.authorized && certificate !== undefined)) {
      onSecure(socket, certificate);
      return;
    }
    // What is declared an Error is the code of OpenSSL's verdict.
    const verdict = socket.authorized ? 'its name is no device id' : String(socket.authorizationError);
    onRefused('client_certificate', verdict);
    socket.destroy();
  });
  server.on('tlsClientError', (error, socket) => {
    onRefused('tls_handshake', handshakeWords(error));
    socket.destroy();
  });
  return {
    accept: (socket) => server.emit('connection', socket),
    use: (context) => server.setSecureContext(context),
  };
}

/** What OpenSSL calls the first bytes of plain MQTT, of HTTP and of anything else that is no TLS. */
const noTls: ReadonlySet<string | undefined> = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
  'ERR_SSL_HTTPS_PROXY_REQUEST',
]);

function handshakeWords({ code, message }: NodeJS.ErrnoException): string {
  return noTls.has(code) ? 'that is not TLS' : message;
}
