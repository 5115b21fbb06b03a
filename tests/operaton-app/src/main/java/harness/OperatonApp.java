package harness;

import java.io.IOException;
import java.util.List;
import org.operaton.bpm.engine.rest.security.auth.ProcessEngineAuthenticationFilter;
import org.operaton.bpm.engine.rest.security.auth.impl.HttpBasicAuthenticationProvider;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;

/** Operaton with its REST interface. Every *.bpmn on the class path is deployed at start. */
@SpringBootApplication
public class OperatonApp {

  public static void main(String[] args) {
    if (List.of(args).contains("--harness.end-with-stdin=true")) {
      endWithStandardInput();
    }
    SpringApplication.run(OperatonApp.class, args);
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

  /** Basic auth in front of the REST interface, switched on by --harness.auth=true; user demo, password demo. */
  @Bean
  @ConditionalOnProperty("harness.auth")
  FilterRegistrationBean<ProcessEngineAuthenticationFilter> basicAuth() {
    FilterRegistrationBean<ProcessEngineAuthenticationFilter> registration = new FilterRegistrationBean<>();
    registration.setName("basic-auth");
    registration.setFilter(new ProcessEngineAuthenticationFilter());
    registration.addInitParameter(
        "authentication-provider", HttpBasicAuthenticationProvider.class.getName());
    registration.addUrlPatterns("/engine-rest/*");
    // A long-polling fetchAndLock is answered asynchronously, and fails behind a filter that does not allow this.
    registration.setAsyncSupported(true);
    return registration;
  }
}
