package harness;

import jakarta.servlet.Filter;
import java.io.IOException;
import java.util.List;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;

/**
 * An engine with its REST interface: the one whose starter is on the class path. Every *.bpmn there is deployed at
 * start. The products share all but the names of their packages, so none of them is named here.
 */
@SpringBootApplication
public class EngineApp {

  public static void main(String[] args) {
    if (List.of(args).contains("--harness.end-with-stdin=true")) {
      endWithStandardInput();
    }
    SpringApplication.run(EngineApp.class, args);
  }

  /** Whoever started the engine holds its standard input; once he is gone, killed or not, nobody needs it any more. */
  private static void endWithStandardInput() {
    Thread watcher = new Thread(() -> {
      try {
        while (System.in.read() >= 0) {
          // What is written does not matter.
        }
      } catch (IOException broken) {
        // As good as its end.
      }
      Runtime.getRuntime().halt(0);
    }, "end-with-stdin");
    watcher.setDaemon(true);
    watcher.start();
  }

  /**
   * Basic auth in front of the REST interface, switched on by --harness.auth=PACKAGE, where PACKAGE is the product's
   * own one of the filter; user demo, password demo.
   */
  @Bean
  @ConditionalOnProperty("harness.auth")
  FilterRegistrationBean<Filter> basicAuth(@Value("${harness.auth}") String filters)
      throws ReflectiveOperationException {
    Class<?> filter = Class.forName(filters + ".ProcessEngineAuthenticationFilter");
    FilterRegistrationBean<Filter> registration = new FilterRegistrationBean<>();
    registration.setName("basic-auth");
    registration.setFilter((Filter) filter.getDeclaredConstructor().newInstance());
    registration.addInitParameter("authentication-provider", filters + ".impl.HttpBasicAuthenticationProvider");
    registration.addUrlPatterns("/engine-rest/*");
    // A long-polling fetchAndLock is answered asynchronously, and fails behind a filter that does not allow this.
    registration.setAsyncSupported(true);
    return registration;
  }
}
