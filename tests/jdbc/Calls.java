import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.StringJoiner;

/**
 * Runs the statements of its input and prints the first column of each. Arguments: URL, user. A line of input is a statement and its
 * parameters, a tab between them: i42 is a number, stext a string, aone|two an array of strings.
 */
public class Calls {
    public static void main(String[] arguments) throws IOException, SQLException {
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (Connection connection = DriverManager.getConnection(arguments[0], arguments[1], "")) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                String[] parts = line.split("\t");
                // From the fifth time on pgjdbc prepares a statement on the server
                String answer = "";
                for (int time = 0; time < 6; time++) {
                    answer = firstColumn(connection, parts);
                }
                out.println(answer);
            }
        }
    }

    private static String firstColumn(Connection connection, String[] parts) throws SQLException {
        try (PreparedStatement prepared = connection.prepareStatement(parts[0])) {
            for (int number = 1; number < parts.length; number++) {
                String value = parts[number].substring(1);
                switch (parts[number].charAt(0)) {
                    case 'i' -> prepared.setInt(number, Integer.parseInt(value));
                    case 'a' -> prepared.setArray(number, connection.createArrayOf("text", value.split("\\|")));
                    default -> prepared.setString(number, value);
                }
            }
            StringJoiner column = new StringJoiner("|");
            try (ResultSet rows = prepared.executeQuery()) {
                while (rows.next()) {
                    column.add(rows.getString(1));
                }
            }
            return column.toString();
        }
    }
}
