import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import javax.servlet.http.HttpServletRequest;
import javax.servlet.http.HttpServletResponse;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.handler.AbstractHandler;

/**
 * A small server and its callers under the OpenTelemetry agent for Java: seven spans, then it ends. OTEL_* says how they
 * are sent; the agent's 2.x has the new HTTP conventions, its 1.x the old ones.
 */
public class Shop extends AbstractHandler {
  private static final HttpClient client = HttpClient.newHttpClient();
  private static String own;

  public static void main(String[] args) throws Exception {
    Server server = new Server();
    ServerConnector connector = new ServerConnector(server);
    connector.setHost("127.0.0.1");
    server.addConnector(connector);
    server.setHandler(new Shop());
    server.start();
    own = "http://127.0.0.1:" + connector.getLocalPort();
    get("/items/42?key=secret");
    get("/missing");
    server.stop();
    System.exit(0);
  }

  @Override
  public void handle(String path, Request base, HttpServletRequest request, HttpServletResponse response)
      throws IOException {
    if (path.startsWith("/items/")) lookUp();
    boolean found = path.startsWith("/items/") || path.startsWith("/prices/");
    response.setStatus(found ? 200 : 404);
    response.getWriter().print("ok");
    base.setHandled(true);
  }

  /** A span of its own by otel.instrumentation.methods.include. */
  static void lookUp() {
    get("/prices/7");
  }

  private static void get(String path) {
    try {
      HttpRequest request = HttpRequest.newBuilder(URI.create(own + path)).version(HttpClient.Version.HTTP_1_1).build();
      client.send(request, HttpResponse.BodyHandlers.ofString());
    } catch (IOException | InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
