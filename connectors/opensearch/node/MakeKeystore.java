import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.Scanner;
import org.opensearch.common.settings.KeyStoreWrapper;

/** `java -cp 'lib/*' MakeKeystore.java CONFIG_FOLDER`, with a line `NAME=SECRET` for each setting on standard input. */
class MakeKeystore {
    public static void main(String[] arguments) throws Exception {
        // not public before 3
        Method setString = KeyStoreWrapper.class.getDeclaredMethod("setString", String.class, char[].class);
        setString.setAccessible(true);
        try (KeyStoreWrapper keystore = KeyStoreWrapper.create(); Scanner lines = new Scanner(System.in, "UTF-8")) {
            while (lines.hasNextLine()) {
                String[] setting = lines.nextLine().split("=", 2);
                setString.invoke(keystore, setting[0], setting[1].toCharArray());
            }
            keystore.save(Path.of(arguments[0]), new char[0]);
        }
    }
}
