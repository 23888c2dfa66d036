import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/** Asks with one statement as Java applications do: a pool, parameters, transactions. Arguments: URL, user, password, statement, request. */
public class Ask {
    public static void main(String[] arguments) throws SQLException {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(arguments[0]);
        config.setUsername(arguments[1]);
        config.setPassword(arguments[2]);
        config.setMaximumPoolSize(2);
        try (HikariDataSource pool = new HikariDataSource(config)) {
            for (boolean autoCommit : new boolean[] {true, false}) {
                for (int number = 0; number < 7; number++) {
                    ask(pool, autoCommit, arguments[3], arguments[4]);
                }
            }
        }
    }

    private static void ask(HikariDataSource pool, boolean autoCommit, String statement, String request) throws SQLException {
        try (Connection connection = pool.getConnection()) {
            connection.setAutoCommit(autoCommit);
            connection.getTransactionIsolation();
            try (PreparedStatement prepared = connection.prepareStatement(statement)) {
                prepared.setString(1, request);
                try (ResultSet rows = prepared.executeQuery()) {
                    rows.next();
                    System.out.println(rows.getString("answer"));
                }
            }
            if (!autoCommit) {
                connection.commit();
            }
        }
    }
}
