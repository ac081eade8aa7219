import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;

/**
 * Java's own client as it comes: it offers HTTP/2 with its requests and takes the answers in HTTP/1.1.
 *
 *     java JavaCaller.java URL KEY COUNT
 *
 * One client makes COUNT chat calls and as many of /healthz, in turn, and prints the status of each.
 */
class JavaCaller {
    public static void main(String[] arguments) throws Exception {
        String url = arguments[0];
        String body = "{\"messages\":[{\"role\":\"user\",\"content\":\"hello from Java\"}]}";
        HttpRequest chat = HttpRequest.newBuilder(URI.create(url + "/v1/chat/completions"))
            .timeout(Duration.ofSeconds(15))
            .header("Authorization", "Bearer " + arguments[1])
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build();
        HttpRequest health = HttpRequest.newBuilder(URI.create(url + "/healthz"))
            .timeout(Duration.ofSeconds(15))
            .build();
        HttpClient client = HttpClient.newHttpClient();
        for (int turn = 0; turn < Integer.parseInt(arguments[2]); turn++) {
            for (HttpRequest request : new HttpRequest[] {chat, health}) {
                HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
                System.out.println(response.statusCode() + " " + response.version());
            }
        }
    }
}
