import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;

/** Posts a body with Java's own client as it is out of the box, which offers HTTP/2; twice over one connection. */
public class Client {
    public static void main(String[] arguments) throws Exception {
        var client = HttpClient.newHttpClient();
        for (var path : List.of("/v1/rerank", "/rerank")) {
            var request = HttpRequest.newBuilder(URI.create(arguments[0] + path))
                    .header("authorization", "Bearer " + arguments[1])
                    .header("content-type", "application/json")
                    .POST(BodyPublishers.ofString(arguments[2]))
                    .build();
            var response = client.send(request, BodyHandlers.ofString());
            System.out.println(response.statusCode() + " " + response.version() + " " + response.body());
        }
    }
}
